/** What is known of the gateway's own wall clock. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock, Timer } from '../../drivers/contract/clock.ts';
import type { Part } from '../lifecycle/part.ts';

export interface WallClock {
  /** Epoch ms. */
  now(): number;
  /** Whether the system's clock is synchronised by NTP; null: not known, or not yet asked. */
  synchronised(): boolean | null;
  /**
   * Calls back with how far the wall clock jumped against the monotonic one, ms, forwards positive, until the function it
   * gives is called.
   */
  onStep(listener: (ms: number) => void): () => void;
}

const run = promisify(execFile);
const STEP_CHECK_MS = 1000;
/** Smaller differences are slewing and scheduling. */
const STEP_MS = 1000;
const SYNC_CHECK_MS = 60_000;

/** systemd-timesyncd leaves a file; timedatectl knows of chrony and ntpd too, where systemd runs. */
async function askSystem(): Promise<boolean | null> {
  if (existsSync('/run/systemd/timesync/synchronized')) return true;
  if (!existsSync('/run/systemd/system')) return null;
  const answer = await run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    timeout: 5000,
  }).catch(() => null);
  return answer === null ? null : answer.stdout.trim() === 'yes';
}

export function watchClock(time: Clock): WallClock & Part & { start(): void } {
  let synchronised: boolean | null = null;
  const listeners = new Set<(ms: number) => void>();
  const timers: Timer[] = [];
  const ask = () => {
    void askSystem().then((answer) => {
      synchronised = answer;
    });
  };
  return {
    now: time.wall,
    synchronised: () => synchronised,
    onStep(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      if (timers.length > 0) return;
      let offset = time.wall() - time.elapsed();
      const lookForStep = () => {
        const jump = time.wall() - time.elapsed() - offset;
        offset += jump;
        if (Math.abs(jump) >= STEP_MS) for (const listener of listeners) listener(Math.round(jump));
      };
      ask();
      timers.push(time.every(SYNC_CHECK_MS, ask), time.every(STEP_CHECK_MS, lookForStep));
    },
    async [Symbol.asyncDispose]() {
      for (const timer of timers) timer.stop();
    },
  };
}
