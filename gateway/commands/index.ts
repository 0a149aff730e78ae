/**
 * The one path of every command, from a platform or from a rule of the gateway's own:
 *
 *   read -> authorise -> known already? -> still valid? -> on disk -> carry out -> outcome on disk -> answer
 *
 * What a crash leaves
 *  - before `begin` returned: the command was never there; sent again, it is carried out.
 *  - after it, before the outcome is on disk: it may have been carried out or not. It is not carried out again; the
 *    next start says so in an event, and whoever sends it again hears it.
 *  - after the outcome is on disk: whoever sends it again hears the outcome.
 * So a door moves at most once for a command.
 *
 * A rule's command does not wait for the disk: a siren must sound while it fails. Its entry in the audit follows.
 */
import { createHash } from 'node:crypto';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import { inFlight } from '../lifecycle/in-flight.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import { type Authority, type ReadCommand, readCommand, whyNotAuthorised, whyNotNow } from './command.ts';

/** The answer to a command. `unknown`: it may have been carried out. */
export interface Reply {
  readonly id: string | null;
  readonly done: boolean;
  readonly reason?: string;
  readonly unknown?: true;
  readonly result?: Readonly<Record<string, unknown>>;
}

/** What is to be done, where. */
export interface Task {
  readonly id: string;
  readonly target: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** What became of it. */
export type Result = Omit<Reply, 'id'>;

/** Who sends commands. */
export interface Source extends Authority {
  readonly kind: 'uplink' | 'console';
  readonly id: string;
  /** What only this source can do: a replay goes to the platform that asked. */
  readonly own?: Readonly<Record<string, (task: Task) => Promise<Result>>>;
}

export interface Commands {
  /** Takes bytes that should be a command for `target`. Never rejects. */
  take(payload: Buffer, target: string, source: Source): Promise<Reply>;
  /** Carries out what a rule says. Never rejects. */
  act(task: Omit<Task, 'id'>, rule: string, cause: string): Promise<Result>;
  /** Opens a door for a card, whose own event is the note of it. Never rejects. */
  open(task: Omit<Task, 'id'>): Promise<Result>;
  /** Tells of the commands that a stop of the gateway cut off. */
  tellInterrupted(): Promise<void>;
  /** The gateway stops: what breaks off now is no news. */
  stopping(): void;
  /** Resolves when what was begun has ended and is on disk, or after a while. */
  settled(): Promise<void>;
  close(): void;
}

export interface CommandContext {
  readonly journal: Pick<Journal, 'command' | 'begin' | 'end' | 'audit' | 'interrupted'>;
  readonly recorder: Pick<Recorder, 'recordOwn'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Does it: a device, an area, the gateway. May reject: then it may or may not be done. */
  readonly execute: (task: Task) => Promise<Result>;
}

/** A device that says nothing for so long may have done it or not. */
const EXECUTE_TIMEOUT_MS = 30_000;
/** Refusals are written down, but a flood of them must not fill the disk: so many a minute from each source. */
const REFUSALS_A_MINUTE = 20;
const MINUTE_MS = 60_000;
const SETTLE_MS = 2000;
/** The audit is kept as it is: what they say about persons, which may have to be erased, stays out of it. */
const PERSONAL: readonly string[] = ['credentials', 'expect-visitor', 'erase'];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const interrupted: Result = {
  done: false,
  unknown: true,
  reason: 'the gateway stopped while it was carried out; it may or may not have been done',
};

export function createCommands(context: CommandContext): Commands {
  const { journal, recorder, clock, log, metrics, execute } = context;
  const bursts = burstLog(log);
  const running = new Map<string, Promise<Result>>();
  let stops = false;
  const flying = inFlight();
  const refusals = new Map<string, { since: number; count: number }>();

  /** Carries out, and never rejects. */
  const perform = async (task: Task): Promise<Result> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Result>((resolve) => {
      const reason = `no answer within ${EXECUTE_TIMEOUT_MS / 1000} s; it may or may not have been done`;
      timer = setTimeout(() => resolve({ done: false, unknown: true, reason }), EXECUTE_TIMEOUT_MS);
    });
    try {
      return await Promise.race([execute(task), late]);
    } catch (error) {
      return failed(error as Error);
    } finally {
      clearTimeout(timer);
    }
  };

  const entryOf = (by: object, { id, target, action, arguments: details }: Task) => ({
    kind: 'command',
    ...by,
    id,
    target,
    action,
    arguments: PERSONAL.includes(action) ? { sha256: sha256(JSON.stringify(details)) } : details,
  });

  /** Tells platforms, once it is on disk. */
  const tell = (type: 'command.done' | 'command.refused' | 'command.failed', details: object) =>
    flying.track(recorder.recordOwn(type, { ...details }));

  const refuse = (source: Source, target: string, id: string | null, reason: string, more: object): Reply => {
    metrics.commandsRefused.inc({ source: source.id });
    bursts.warn(
      `command ${source.id}`,
      { source: source.id, target, id, reason, ...more },
      'a command was refused',
    );
    const now = performance.now();
    const bucket = refusals.get(source.id);
    const fresh = bucket === undefined || now - bucket.since > MINUTE_MS;
    const uncounted = fresh ? (bucket?.count ?? 0) - REFUSALS_A_MINUTE : 0;
    const count = fresh ? 1 : bucket.count + 1;
    refusals.set(source.id, { since: fresh ? now : bucket.since, count });
    if (count <= REFUSALS_A_MINUTE) {
      const by = { source: source.kind, from: source.id, target, id, ...more };
      const entry = { kind: 'refusal', ...by, reason, ...(uncounted > 0 && { andMore: uncounted }) };
      journal.audit(clock.now(), JSON.stringify(entry)).then(
        (audit) => tell('command.refused', { ...by, reason, audit }),
        () => tell('command.refused', { ...by, reason }),
      );
    }
    return { id, done: false, reason };
  };

  const carryOut = async (command: ReadCommand, target: string, source: Source): Promise<Result> => {
    const { id, action, issuer } = command;
    const task: Task = { id, target, action, arguments: command.arguments };
    const by = { source: source.kind, from: source.id, ...(issuer !== undefined && { issuer }) };
    const known = await journal.command(source.id, id);
    if (known !== undefined) return outcomeOf(known.outcome);
    const late = whyNotNow(command, clock.now());
    if (late !== undefined) return refuse(source, target, id, late, { action, issuer });
    const at = clock.now();
    const begun = await journal.begin({
      source: source.id,
      id,
      at,
      expiresAt: command.expiresAt ?? at,
      audit: JSON.stringify({ ...entryOf(by, task), signed: command.signature !== undefined }),
    });
    if (begun.known) return outcomeOf(begun.outcome);
    const result = await (source.own?.[action]?.(task).catch(failed) ?? perform(task));
    const ended = { source: source.id, id, at: clock.now(), outcome: JSON.stringify(result) };
    const details = { ...by, id, target, action, ...inShort(result) };
    const type = result.done ? 'command.done' : 'command.failed';
    await journal.end({ ...ended, audit: JSON.stringify({ kind: 'outcome', ...details }) }).then(
      (audit) => tell(type, { ...details, audit }),
      // It was done all the same; only after a restart nobody will know.
      () => tell(type, details),
    );
    metrics.commands.inc({ source: source.id, action });
    log.info(details, 'a command was carried out');
    return result;
  };

  return {
    async take(payload, target, source) {
      const read = readCommand(payload);
      if ('wrong' in read) return refuse(source, target, read.id, read.wrong, {});
      const { command } = read;
      const { id, action, issuer } = command;
      const why = whyNotAuthorised(command, target, source);
      if (why !== undefined) return refuse(source, target, id, why, { action, issuer });
      const key = keyOf(source.id, id);
      const result = running.get(key) ?? carryOut(command, target, source);
      running.set(key, result);
      try {
        return { id, ...(await result) };
      } catch (error) {
        // Not on disk, so not carried out: the same command may be tried again.
        const reason = `the disk takes nothing, so nothing is done: ${(error as Error).message}`;
        return refuse(source, target, id, reason, { action, issuer });
      } finally {
        if (running.get(key) === result) running.delete(key);
      }
    },
    async act(task, rule, cause) {
      const whole = { id: `${rule}/${cause}`, ...task };
      const by = { source: 'rule', from: rule };
      const result = await flying.track(perform(whole));
      const details = { ...by, id: whole.id, target: task.target, action: task.action, ...inShort(result) };
      metrics.commands.inc({ source: 'rule', action: task.action });
      if (!result.done && !stops)
        bursts.warn(`rule ${rule}`, details, 'what a rule asked for could not be done');
      const type = result.done ? 'command.done' : 'command.failed';
      void flying.track(
        journal.audit(clock.now(), JSON.stringify({ ...entryOf(by, whole), ...inShort(result) })).then(
          (audit) => tell(type, { ...details, audit }),
          () => tell(type, details),
        ),
      );
      return result;
    },
    async open(task) {
      const result = await perform({ id: 'access', ...task });
      if (!result.done)
        bursts.warn(`door ${task.target}`, { ...task, ...result }, 'a door could not be opened for a card');
      return result;
    },
    async tellInterrupted() {
      for (const { source, id } of await journal.interrupted()) {
        if (running.has(keyOf(source, id))) continue;
        const at = clock.now();
        const details = { source: 'uplink', from: source, id, ...interrupted };
        const audit = await journal.end({
          source,
          id,
          at,
          outcome: JSON.stringify(interrupted),
          audit: JSON.stringify({ kind: 'outcome', ...details }),
        });
        tell('command.failed', { ...details, audit });
      }
    },
    stopping() {
      stops = true;
    },
    settled: () => flying.settled(SETTLE_MS),
    close: () => bursts.close(),
  };
}

/** For the audit and for platforms that did not ask: an inventory is long. */
const inShort = ({ result: _whole, ...rest }: Result): Result => rest;
const keyOf = (source: string, id: string) => `${source}\n${id}`;
const failed = (error: Error): Result => ({ done: false, unknown: true, reason: error.message });
const outcomeOf = (outcome: string | null): Result =>
  outcome === null ? interrupted : (JSON.parse(outcome) as Result);
