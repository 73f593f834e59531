import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Where systems put Chromium or Chrome. */
const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/**
 * A real browser for tests. `RUMEUR_CHROMIUM` names its executable where it is in none of the usual places.
 *
 * @throws Error if there is none: a test that needs a browser fails without one, it does not pass by skipping.
 */
export async function launchChromium(moreArguments: readonly string[] = []): Promise<Browser> {
  const named = process.env['RUMEUR_CHROMIUM'];
  const executablePath = [...(named === undefined ? [] : [named]), ...USUAL_PLACES].find((path) =>
    existsSync(path),
  );
  if (executablePath === undefined || (named !== undefined && executablePath !== named)) {
    throw new Error(
      named === undefined
        ? 'no Chromium found: install it (Debian: apt-get install chromium), or set RUMEUR_CHROMIUM to its executable'
        : `RUMEUR_CHROMIUM is set, but there is no ${named}`,
    );
  }
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--no-first-run',
      ...moreArguments,
    ],
  });
}
