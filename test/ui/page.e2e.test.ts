import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type BuiltCommand, buildCommand, root } from '../cli/command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from '../cli/workplace.ts';
import { installedChromium } from '../support/chromium.ts';
import { freshDatabase, type Database } from '../support/postgres.ts';

const PATIENCE_MS = 60_000;
const executablePath = installedChromium();

describe.skipIf(executablePath === undefined)('the page of the daemon, in Chromium', () => {
  let command: BuiltCommand;
  let browser: Browser;

  beforeAll(async () => {
    command = await buildCommand();
    await promisify(execFile)(process.execPath, [join(root, 'src', 'ui', 'build.mjs'), command.folder]);
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser.close();
    await command[Symbol.asyncDispose]();
  });

  /** A page that must not write errors to the console, nor ask other servers. */
  async function openPage(url: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const wrong: string[] = [];
    // A health that is bad is an answer with 503, which Chromium calls an error.
    const isWrong = (text: string): boolean => !text.includes('status of 503');
    page.on(
      'console',
      (message) => message.type() === 'error' && isWrong(message.text()) && wrong.push(message.text()),
    );
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('request', (request) => new URL(request.url()).host !== new URL(url).host && wrong.push(request.url()));
    page.on('dialog', (dialog) => void dialog.accept());
    onTestFinished(async () => {
      await page.close();
      expect(wrong).toEqual([]);
    });
    await page.goto(url);
    return page;
  }

  async function pair(place: Workplace, source: Database, replica: Database): Promise<void> {
    await source.query('create table item (id int primary key, note text)');
    await place.write('shop.json', {
      name: 'shop',
      config: sourceConfig(source.settings, `page_${source.settings.database}`),
    });
    await place.write('replica.json', {
      name: 'replica',
      config: sinkConfig(replica.settings, `page_${source.settings.database}`),
    });
  }

  test('connectors are paused, resumed, restarted and stopped by their buttons, and rows wait or flow', async () => {
    await using source = await freshDatabase('page_source');
    await using replica = await freshDatabase('page_replica');
    await using place = await makeWorkplace();
    await pair(place, source, replica);
    const daemon = place.start(command);
    const page = await openPage(await place.url());
    expect(new URL(page.url()).pathname).toBe('/ui/');
    const state = (name: string) => page.getByRole('region', { name, exact: true }).locator('.state');
    const press = async (action: string, name: string): Promise<void> =>
      await page.getByRole('button', { name: `${action} ${name}`, exact: true }).click();
    const shows = async (name: string, word: string): Promise<void> =>
      await expect.poll(() => state(name).textContent(), { timeout: PATIENCE_MS }).toBe(word);
    const rows = async (): Promise<number> => (await replica.query(`select from item`).catch(() => [])).length;
    const rowsBecome = async (count: number): Promise<void> =>
      await expect.poll(rows, { timeout: PATIENCE_MS }).toBe(count);

    await shows('shop', 'RUNNING');
    await source.query(`insert into item select i, 'one' from generate_series(1, 1000) i`);
    await rowsBecome(1_000);
    await press('Pause', 'shop');
    await shows('shop', 'PAUSED');
    await source.query(`insert into item values (1001, 'while paused')`);
    expect(daemon.output()).not.toContain('connector restarted');
    await press('Restart', 'replica');
    await expect.poll(() => daemon.output(), { timeout: PATIENCE_MS }).toContain('connector restarted');
    await shows('replica', 'RUNNING');
    expect(await rows()).toBe(1_000);
    await press('Resume', 'shop');
    await shows('shop', 'RUNNING');
    await rowsBecome(1_001);
    await press('Stop', 'replica');
    await shows('replica', 'STOPPED');
    await source.query(`insert into item values (1002, 'while stopped')`);
    await press('Resume', 'replica');
    await rowsBecome(1_002);
    await underLoad(page, source);
  });

  /** Rows flow until both cards say how fast; then what is seen is kept for people, by day and by night. */
  async function underLoad(page: Page, source: Database): Promise<void> {
    let isWriting = true;
    const writing = (async () => {
      for (let from = 10_000; isWriting; from += 500)
        await source.query(`insert into item select i, 'load' from generate_series(${from}, ${from} + 499) i`);
    })();
    const rates = page.locator('.card .chart:first-child figcaption b');
    const seen = async (): Promise<number[]> =>
      (await rates.allTextContents()).map((text) => Number.parseFloat(text.replaceAll(/[^0-9.]/g, '')) || 0);
    await expect.poll(async () => Math.min(...(await seen())), { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    if (process.env.SCREENSHOTS !== undefined) await page.waitForTimeout(12_000);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(1_100); // the next second is drawn
      const shot = await page.screenshot({ fullPage: true });
      if (process.env.SCREENSHOTS !== undefined)
        await writeFile(join(process.env.SCREENSHOTS, `page-${colorScheme}.png`), shot);
      expect(shot.length).toBeGreaterThan(10_000);
      // Nothing hangs over the side, and no picture is blank.
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await page.locator('.card canvas').count()).toBe(4);
    }
    isWriting = false;
    await writing;
  }

  test('an error is shown with its remedy, and the keyboard reaches every action', async () => {
    await using source = await freshDatabase('page_bad');
    await using place = await makeWorkplace();
    await place.write('shop.json', {
      name: 'shop',
      config: sourceConfig({ ...source.settings, database: 'nowhere' }, 'page_bad'),
    });
    place.start(command);
    const page = await openPage(`${await place.url()}/ui/`);
    const alert = page.getByRole('region', { name: 'shop', exact: true }).getByRole('alert');
    await expect.poll(() => alert.textContent(), { timeout: PATIENCE_MS }).toContain('"nowhere"');
    const reached = new Set<string>();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate('document.activeElement?.textContent ?? ""'));
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(['Skip to the connectors', 'Pause', 'Restart', 'Stop', 'Configuration']),
    );
    if (process.env.SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.SCREENSHOTS, 'error.png'), fullPage: true });
  });

  test('who has no credentials is asked for them on the page, and sees nothing before', async () => {
    await using source = await freshDatabase('page_secret');
    await using replica = await freshDatabase('page_secret_replica');
    await using place = await makeWorkplace();
    await pair(place, source, replica);
    const token = 'a-token-for-the-page-of-this-test';
    place.start(command, [], { ROWCAST_REST_AUTHENTICATION: 'bearer', ROWCAST_REST_CREDENTIALS: token });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${await place.url()}/ui/`);
    await page.getByLabel('Password or token').fill(token);
    expect(await page.locator('.card').count()).toBe(0);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.locator('.card').count(), { timeout: PATIENCE_MS }).toBe(2);
  });
});
