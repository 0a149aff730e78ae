/**
 * Prints a page by a Chromium, where the machine has one: one at a time, behind everything else. The page is our own, has
 * no scripts, and asks for nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../drivers/contract/clock.ts';
import { PRIVATE_FILE } from '../lifecycle/private-files.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const;
/** A mini-PC takes some 5 s, with a cold disk 20. */
const PATIENCE_MS = 90_000;
/** The lowest: no alarm waits for it (nice(1)). */
const LOWEST = 19;
/** Of what it says when it fails, characters. */
const WORDS_MAX = 300;

/**
 * `--no-sandbox`: a hardened unit lets nobody make the namespaces that its sandbox needs; what it shows is ours alone.
 * The resolver finds nothing: it asks nobody.
 */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--no-pdf-header-footer',
] as const;

export function findBrowser(path = process.env['PATH'] ?? ''): string | undefined {
  const places = path.split(delimiter).filter((folder) => folder !== '');
  return NAMES.flatMap((name) => places.map((folder) => join(folder, name))).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export interface Printer {
  /** Whether there is something to print with. */
  isThere(): boolean;
  /** undefined: there is nothing to print with. @throws Error with what it said. */
  print(html: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

export function createPrinter(time: Clock, find = findBrowser): Printer {
  let queue: Promise<unknown> = Promise.resolve();
  let child: ChildProcess | undefined;
  let closed = false;
  const end = () => {
    // With all that it started: it leads its group.
    if (child?.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const run = async (browser: string, folder: string): Promise<void> => {
    const own = spawn(
      browser,
      [
        ...FLAGS,
        `--user-data-dir=${join(folder, 'profile')}`,
        `--print-to-pdf=${join(folder, 'report.pdf')}`,
        `file://${join(folder, 'report.html')}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true, env: { ...process.env, HOME: folder } },
    );
    child = own;
    let said = '';
    own.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-WORDS_MAX);
    });
    const timer = time.after(PATIENCE_MS, () => {
      said = `it printed nothing within ${PATIENCE_MS / 1000} s`;
      end();
    });
    try {
      await new Promise<void>((resolve, reject) => {
        own.on('error', reject);
        own.on('spawn', () => {
          if (own.pid !== undefined) setPriority(own.pid, LOWEST);
        });
        own.on('close', (status) =>
          status === 0 ? resolve() : reject(new Error(said.trim() || `${browser} failed`)),
        );
      });
    } finally {
      timer.stop();
      child = undefined;
    }
  };
  const printNow = async (html: string): Promise<Uint8Array | undefined> => {
    const browser = find();
    if (browser === undefined) return undefined;
    if (closed) throw new Error('the gateway stops');
    const folder = await mkdtemp(join(tmpdir(), 'campus-report-'));
    try {
      await writeFile(join(folder, 'report.html'), html, { mode: PRIVATE_FILE });
      await run(browser, folder);
      return await readFile(join(folder, 'report.pdf'));
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    }
  };
  return {
    isThere: () => find() !== undefined,
    print(html) {
      const printed = queue.then(() => printNow(html));
      queue = printed.catch(() => {});
      return printed;
    },
    async close() {
      closed = true;
      end();
      await queue;
    },
  };
}
