//! The page that a browser shows at the end of a login. It loads nothing, runs nothing and says nothing of who logged in:
//! whoever looks over somebody's shoulder learns no more than that.

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// With a code.
    LoggedIn,
    /// With a refusal; why, the terminal says.
    Refused,
    /// Nobody asked for this.
    Nothing,
}

/// Its looks are in it: nothing else is fetched, and the policy says so to the browser.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#16191d;--soft:#5b6470;--line:#e2e6eb;--mark:#1a7f4b}\
.refused{--mark:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ground:#101317;--card:#181c22;--ink:#eef1f4;--soft:#9aa4b1;--line:#2a3038;--mark:#4cc38a}.refused{--mark:#ff8a80}}\
*{box-sizing:border-box;margin:0}\
body{min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{width:100%;max-width:27rem;padding:2.5rem 2rem 2rem;border:1px solid var(--line);border-radius:1rem;background:var(--card);text-align:center}\
svg{width:3.5rem;height:3.5rem;stroke:var(--mark)}\
h1{margin:1.25rem 0 .5rem;font-size:1.375rem;line-height:1.25;font-weight:650;text-wrap:balance}\
p{color:var(--soft);text-wrap:balance}\
footer{margin-top:1.75rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.8125rem;letter-spacing:.02em}";

impl Page {
    /// The whole answer, for a browser.
    pub(super) fn answer(self) -> String {
        let (status, body) = match self {
            Self::Nothing => ("404 Not Found", "There is nothing here.".to_owned()),
            page => ("200 OK", page.html()),
        };
        let kind = if self == Self::Nothing { "text/plain" } else { "text/html" };
        format!(
            "HTTP/1.1 {status}\r\n\
             content-type: {kind}; charset=utf-8\r\n\
             content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
             x-content-type-options: nosniff\r\n\
             referrer-policy: no-referrer\r\n\
             cache-control: no-store\r\n\
             connection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn html(self) -> String {
        let (class, sign, title, text) = match self {
            Self::LoggedIn => (
                "done",
                "<path d='M8 12.5l2.8 2.8L16.5 9.5'/>",
                "You are logged in",
                "avouch goes on in the terminal. You can close this window.",
            ),
            _ => (
                "refused",
                "<path d='M12 7.5v5.5M12 16.5v.01'/>",
                "The login did not succeed",
                "Nothing was signed. The terminal says why; you can close this window and try again there.",
            ),
        };
        format!(
            "<!doctype html>\n<html lang='en' class='{class}'><head><meta charset='utf-8'>\
             <meta name='viewport' content='width=device-width,initial-scale=1'>\
             <title>{title} · avouch</title><style>{STYLE}</style></head><body><main>\
             <svg viewBox='0 0 24 24' fill='none' stroke-width='1.6' stroke-linecap='round' stroke-linejoin='round' \
             aria-hidden='true'><circle cx='12' cy='12' r='10'/>{sign}</svg>\
             <h1>{title}</h1><p>{text}</p><footer>avouch</footer></main></body></html>\n"
        )
    }
}
