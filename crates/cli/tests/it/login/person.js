// A person with a browser: `node person.js CHROMIUM ADDRESS NAME ENDING [PICTURE]`. They log in as NAME at the provider, or
// turn back where ENDING is `abort`, and print what the last page says. With PICTURE, the last page is pictured as a desktop
// and as a phone show it, in PICTURE-desktop.png and PICTURE-phone.png.
const { chromium } = require('playwright-core');

const [executablePath, address, name, ending, picture] = process.argv.slice(2);
const WIDTHS = [['desktop', { width: 1280, height: 800 }], ['phone', { width: 390, height: 844 }]];
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

async function main() {
  const browser = await chromium.launch({ executablePath, args: QUIET });
  const page = await browser.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(address);
  // The device flow asks first whether the code is the one that the terminal shows.
  const confirm = page.locator('button[type=submit]', { hasText: 'Continue' });
  if (await confirm.count() && !(await page.locator('input[name=login]').count())) {
    await confirm.first().click();
  }
  if (ending === 'abort') {
    await page.getByText('Cancel', { exact: false }).first().click();
  } else {
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.waitForLoadState();
    await page.click('button[type=submit]');
  }
  await page.waitForLoadState();
  const last = asked.filter((url) => new URL(url).origin === new URL(page.url()).origin);
  const heading = await page.locator('h1').first().innerText();
  console.log(JSON.stringify({ heading, text: await page.innerText('body'), url: page.url(), asked: last }));
  for (const [width, viewport] of picture ? WIDTHS : []) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: `${picture}-${width}.png` });
  }
  await browser.close();
}

main().catch((error) => { console.error(error); process.exit(1); });
