/** The console in a real Chromium: in both languages, on a desk and on a phone, in both themes, and what must hold of any page. */

import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { labels } from '../../../gateway/console/web/words/labels.ts';
import type { School } from './school.ts';

export interface Form {
  readonly name: string;
  readonly locale: 'en-GB' | 'zh-CN';
  /** Where its language stands in the words of the console: English 0, Chinese 1. */
  readonly language: 0 | 1;
  readonly viewport: { readonly width: number; readonly height: number };
}

export const desk = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };
const form = (locale: Form['locale'], on: 'desk' | 'phone'): Form => ({
  name: `${locale === 'zh-CN' ? 'Chinese' : 'English'}, on a ${on}`,
  locale,
  language: locale === 'zh-CN' ? 1 : 0,
  viewport: on === 'desk' ? desk : phone,
});

/** Both languages at both sizes. */
export const allForms = [
  form('zh-CN', 'desk'),
  form('en-GB', 'phone'),
  form('zh-CN', 'phone'),
  form('en-GB', 'desk'),
] as const;
/** Each language and each size once: of flows that take their time. */
export const forms = [allForms[0], allForms[1]] as const;

type Words = readonly [en: string, zh: string];
/** A word of the console in the language of a form. */
export const say = ([en, zh]: Words, { language }: Form): string => (language === 1 ? zh : en);

export type Theme = 'light' | 'dark';

/** What a browser says of a gateway that is away is no fault of a page. */
const OF_THE_NETWORK = /net::ERR_|Failed to load resource|ERR_INCOMPLETE_CHUNKED_ENCODING/;

/** A browser of somebody's: its errors, and whatever it asks of another host, fail the test. */
export async function person(
  own: Browser,
  school: Pick<School, 'base'>,
  { locale, viewport }: Form = allForms[0],
  theme: Theme = 'light',
): Promise<BrowserContext> {
  const context = await own.newContext({ locale, viewport, colorScheme: theme, reducedMotion: 'reduce' });
  const wrong: string[] = [];
  const { host } = new URL(school.base);
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== host) wrong.push(`asks ${url.host}`);
  });
  context.on('weberror', (error) => wrong.push(error.error().message));
  context.on('console', (message) => {
    if (message.type() === 'error' && !OF_THE_NETWORK.test(message.text())) wrong.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });
  return context;
}

/** Logged in as somebody, at a page of the console. */
export async function open(
  context: BrowserContext,
  school: School,
  path = '/',
  name: Parameters<School['session']>[0] = 'administrator',
): Promise<Page> {
  await context.addCookies([await school.session(name)]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(`${school.base}${path}`);
  await page.locator('#health').waitFor();
  return page;
}

/** Where the navigation leads. */
export const pagesOf = (page: Page): Promise<string[]> =>
  page
    .locator('header nav a')
    .evaluateAll((links) => links.map((link) => (link as unknown as { pathname: string }).pathname));

/** The page reflows: nothing of it is wider than the screen (WCAG 2.2, 1.4.10). */
export async function expectNoWider(page: Page, where: string): Promise<void> {
  const width = page.viewportSize()?.width ?? 0;
  const wide = await page.evaluate<string[]>(
    `document.documentElement.scrollWidth <= ${width} ? [] : [...document.querySelectorAll('body *')]
      .filter((one) => one.getBoundingClientRect().right > ${width + 1}).slice(0, 5)
      .map((one) => one.outerHTML.slice(0, 120))`,
  );
  expect(wide, `${where}: wider than ${width} px`).toEqual([]);
}

/** axe-core finds nothing serious or critical. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<
    { id: string; impact: string; nodes: { html: string; any: { message: string }[] }[] }[]
  >(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`);
  const grave = found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, any }) => `${html.slice(0, 160)} (${any[0]?.message ?? ''})`)
          .join('; ')}`,
    );
  expect(grave, where).toEqual([]);
}

/** What the gateway calls things, where it is no word that people use. */
const codes = new Set(
  Object.values(labels)
    .flatMap((group) => Object.keys(group))
    .filter((code) => /[a-z][-.][a-z]/.test(code)),
);
/** What only a fault of a page shows. */
const BROKEN = /\bundefined\b|\bNaN\b|\[object |Invalid Date|\{\w+\}|cn\.campus\./;

/** Everything is in words: no code of the catalogue, nothing that was not filled in. What is quoted is as it is. */
export async function expectWords(page: Page, where: string): Promise<void> {
  const texts = await page.evaluate<string[]>(`(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode())
      if (walker.currentNode.parentElement.closest('pre, code, script, style, noscript, textarea') === null)
        found.push(walker.currentNode.textContent.trim());
    return found;
  })()`);
  expect(
    texts.filter((text) => codes.has(text) || BROKEN.test(text)),
    `${where}: codes instead of words`,
  ).toEqual([]);
}
