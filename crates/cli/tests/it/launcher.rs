//! The launcher hears before it starts anything, and leaves nobody behind.

use crate::site::Site;

#[test]
fn a_launcher_that_is_told_to_end_while_it_starts_ends_whom_it_started_first() {
    let mut site = Site::new();
    site.stop();
    site.signal_at_start("-TERM");
    let ended = site.reaped();
    assert!(ended.success(), "it ended in order, and not by the signal: {ended}; {}", site.said());
    assert_eq!(site.processes(), 0, "whoever it started has ended by then");
}

#[test]
fn a_launcher_that_is_asked_to_reload_while_it_starts_serves_all_the_same() {
    let mut site = Site::new();
    site.stop();
    let before = site.served();
    site.signal_at_start("-HUP");
    site.wait_until(|| site.served() > before);
    assert_eq!(site.sign("after.bin").0, 0, "{}", site.said());
}

#[test]
fn a_launcher_that_is_killed_while_it_starts_a_server_anew_leaves_nobody_behind() {
    let mut site = Site::new();
    for _ in 0..5 {
        site.kill_the_server_and_the_launcher();
        site.wait_until(|| site.processes() == 0);
        site.start();
    }
    assert_eq!(site.sign("after.bin").0, 0, "{}", site.said());
}
