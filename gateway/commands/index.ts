/**
 * The one path of every command, from a platform, the console or a rule of the gateway's own:
 *
 *   not too many -> read -> authorise -> known already? -> still valid? -> on disk -> carry out -> outcome on disk -> answer
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
import type { ActionName, ArgumentsOf, Asking, Result } from '../../config/catalogue/actions.ts';
import type { CommandRate } from '../../config/sections/rights.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import type { Log } from '../../drivers/contract/driver.ts';
import type { Journal } from '../journal/index.ts';
import { inFlight } from '../lifecycle/in-flight.ts';
import type { WallClock } from '../observe/clock.ts';
import { burstLog } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Recorder } from '../road/recorder.ts';
import {
  type Authority,
  authorise,
  isTooDeep,
  type ReadCommand,
  readCommand,
  TOO_DEEP,
  whyNotNow,
} from './command.ts';
import { entryOf } from './entry.ts';
import { createFloodGuard, createUnderWay, senderOf, UNDER_WAY } from './floods.ts';
import { createRefusals } from './refusals.ts';
import { createHandling, type Handling, type TargetKind, type Task } from './registry.ts';

/** The answer to a command. */
export interface Reply extends Result {
  readonly id: string | null;
}

/** Who sends commands. */
export interface Source extends Authority {
  readonly kind: 'uplink' | 'console';
  readonly id: string;
  /** Who of them it is, where each has limits of their own; only what says truly who it is may be here. */
  readonly sender?: string;
  readonly rate: CommandRate;
}

/** What is ordered, where, and what names it among all that came from there. */
export type Order = Pick<ReadCommand, 'id' | 'action' | 'arguments' | 'issuer'> &
  Partial<Pick<ReadCommand, 'issuedAt' | 'expiresAt'>> & { readonly target: string };

export interface Commands extends Omit<Handling, 'perform' | 'understands'> {
  /**
   * Takes bytes that should be a command for `target`; `wrong`: why it may not act, whatever it is. Never rejects.
   * @returns the answer; undefined: too many came for each to get one.
   */
  receiveCommand(
    payload: Uint8Array,
    target: string,
    source: Source,
    wrong?: string,
  ): Promise<Reply | undefined>;
  /**
   * Takes what a platform said in words of its own protocol, which has neither times nor a signature: as a command that came
   * unsigned, now. The same `id` acts once. Never rejects.
   */
  order(order: Order, source: Source): Promise<Reply>;
  /** Carries out what a rule says: noted in the audit, told to platforms. Never rejects. */
  performForRule(task: Omit<Task, 'id'>, rule: string, cause: string): Promise<Result>;
  /** Moves a door for a card or a lockdown, whose own event is the note of it. Never rejects. */
  performForCard(task: Omit<Task, 'id'>): Promise<Result>;
  /** What one part of the gateway asks of another: of no note. Never rejects. */
  askPart<A extends ActionName>(action: A, target: string, wanted: ArgumentsOf<A>): Promise<Result>;
  /** Tells of the commands that a stop of the gateway cut off. */
  tellInterrupted(): Promise<void>;
  /** The gateway stops: what breaks off now is no news. */
  noteStopping(): void;
  /** Resolves when what was begun has ended and is on disk, or after a while. */
  settled(): Promise<void>;
  close(): void;
}

export interface CommandContext {
  /** Its number. */
  readonly campus: string;
  readonly journal: Pick<Journal, 'command' | 'begin' | 'end' | 'audit' | 'interrupted'> & {
    readonly knownAs: Pick<Journal['knownAs'], 'restoredAt'>;
  };
  readonly recorder: Pick<Recorder, 'recordOwn'>;
  readonly clock: Pick<WallClock, 'now'>;
  readonly time: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What a target is; undefined: there is none of that name. */
  readonly kindOf: (target: string) => TargetKind | undefined;
}

/** What became of a command; `via`: who sent it, and nobody else gets its answer. */
interface Outcome extends Result {
  readonly via?: string;
}
const CAME_BEFORE = 'it came by another way before, and a signed command acts once on a campus';

/** A device that says nothing for so long may have done it or not. */
const PERFORM_TIMEOUT_MS = 30_000;
const SETTLE_MS = 2000;
/** An order that waits longer, for the disk or a device, is not carried out any more: who gave it has gone on. */
const ORDER_MS = 30_000;

const tooMany: Result = { done: false, reason: 'too many commands' };

const interrupted: Result = {
  done: false,
  unknown: true,
  reason: 'the gateway stopped while it was carried out; it may or may not have been done',
};

export function createCommands(context: CommandContext): Commands {
  const { journal, recorder, clock, time, log, metrics } = context;
  const handling = createHandling(context.kindOf, log);
  const bursts = burstLog(log, time);
  const flying = inFlight(time);
  let stops = false;

  /** Carries out, and never rejects. */
  const perform = async (task: Task, from: Asking): Promise<Result> => {
    const late = () =>
      new Error(`no answer within ${PERFORM_TIMEOUT_MS / 1000} s; it may or may not have been done`);
    try {
      return await within(handling.perform(task, from), PERFORM_TIMEOUT_MS, time, late);
    } catch (error) {
      return { done: false, unknown: true, reason: (error as Error).message };
    }
  };
  /** Tells platforms, once it is on disk. */
  const tell = (type: 'command.done' | 'command.refused' | 'command.failed', details: object) =>
    void flying.track(recorder.recordOwn(type, { ...details }));
  const tellOutcome = ({ done }: Result, details: object) =>
    tell(done ? 'command.done' : 'command.failed', details);

  const receiving = createReceiving({
    ...context,
    perform,
    understands: handling.understands,
    tell,
    tellOutcome,
  });

  return {
    serve: handling.serve,
    serveUntil: handling.serveUntil,
    onPerform: handling.onPerform,
    checkServed: handling.checkServed,
    receiveCommand: receiving.receive,
    order: receiving.order,
    async performForRule(given, rule, cause) {
      const task = { id: `${rule}/${cause}`, ...given };
      const by = { source: 'rule', from: rule };
      const result = await flying.track(perform(task, { kind: 'rule', id: rule }));
      const details = { ...by, id: task.id, target: task.target, action: task.action, ...inShort(result) };
      metrics.commands.inc({ source: 'rule', action: task.action });
      if (!result.done && !stops)
        bursts.warn(`rule ${rule}`, details, 'what a rule asked for could not be done');
      void flying.track(
        journal
          .audit(
            clock.now(),
            JSON.stringify({ ...entryOf(by, task, handling.understands(task)), ...inShort(result) }),
          )
          .then(
            (audit) => tellOutcome(result, { ...details, audit }),
            () => tellOutcome(result, details),
          ),
      );
      return result;
    },
    async performForCard(task) {
      const result = await perform({ id: 'access', ...task }, { kind: 'card', id: 'access' });
      if (!result.done)
        bursts.warn(
          `door ${task.target}`,
          { ...task, ...result },
          'a door could not be told to unlock or lock',
        );
      return result;
    },
    askPart: (action, target, wanted) =>
      perform({ id: action, action, target, arguments: wanted }, { kind: 'part', id: 'gateway' }),
    tellInterrupted: receiving.tellInterrupted,
    noteStopping() {
      stops = true;
    },
    settled: () => flying.settled(SETTLE_MS),
    close() {
      bursts.close();
      receiving.close();
    },
  };
}

/** `expiresAt` is of the wall clock, which may jump; what waits for its turn goes by the other one. */
const taskOf = (
  { id, action, arguments: wanted, expiresAt }: ReadCommand,
  target: string,
  { clock, time }: Pick<CommandContext, 'clock' | 'time'>,
): Task => ({
  ...{ id, target, action, arguments: wanted },
  ...(expiresAt !== undefined && { notAfter: time.elapsed() + expiresAt - clock.now() }),
});

interface Path extends CommandContext, Pick<Handling, 'understands'> {
  readonly perform: (task: Task, from: Asking) => Promise<Result>;
  readonly tell: (type: 'command.refused' | 'command.failed', details: object) => void;
  readonly tellOutcome: (result: Result, details: object) => void;
}

/** What becomes of a command that may come, and was read. */
function createTaking(context: Path, refusals: ReturnType<typeof createRefusals>) {
  const { campus, journal, clock, log, metrics, perform, understands, tellOutcome } = context;
  /** Under way, by scope and id. */
  const running = new Map<string, Promise<Outcome>>();
  const underWay = createUnderWay();

  const carryOut = async (
    command: ReadCommand,
    scope: string,
    target: string,
    source: Source,
  ): Promise<Outcome> => {
    const { id, action, issuer } = command;
    const task = taskOf(command, target, context);
    const by = { source: source.kind, from: source.id, ...(issuer !== undefined && { issuer }) };
    const known = await journal.command(scope, id);
    if (known !== undefined) return outcomeOf(known.outcome);
    const late = whyNotNow(command, clock.now(), journal.knownAs.restoredAt);
    if (late !== undefined) return refusals.refuse({ ...by, target, id, action, issuer }, late);
    const at = clock.now();
    const begun = await journal.begin({
      source: scope,
      id,
      at,
      expiresAt: command.expiresAt ?? at,
      audit: JSON.stringify({
        ...entryOf(by, task, understands(task)),
        signed: command.signature !== undefined,
      }),
    });
    if (begun.known) return outcomeOf(begun.outcome);
    const result = { ...(await perform(task, { kind: source.kind, id: source.id, issuer })), via: source.id };
    const { via: _own, ...told } = inShort(result);
    const details = { ...by, id, target, action, ...told };
    await noteOutcome(scope, id, result, details);
    metrics.commands.inc({ source: source.id, action });
    log.info(details, 'a command was carried out');
    return result;
  };

  const noteOutcome = (source: string, id: string, result: Outcome, details: object) =>
    journal
      .end({
        source,
        id,
        at: clock.now(),
        outcome: JSON.stringify(result),
        audit: JSON.stringify({ kind: 'outcome', ...details }),
      })
      .then(
        (audit) => tellOutcome(result, { ...details, audit }),
        // It was done all the same; only after a restart nobody will know.
        () => tellOutcome(result, details),
      );

  const take = async (
    command: ReadCommand,
    target: string,
    source: Source,
    wrong?: string,
  ): Promise<Reply> => {
    const { id, action, issuer } = command;
    const what = { source: source.kind, from: source.id, target, id, action, issuer };
    if (wrong !== undefined) return refusals.refuse(what, wrong);
    const allowed = authorise(command, { campus, target }, source, clock.now());
    if ('refused' in allowed) return refusals.refuse(what, allowed.refused);
    const sender = senderOf(source);
    if (!underWay.begin(sender)) return refusals.refuse(what, UNDER_WAY);
    const { scope } = allowed;
    const key = `${scope}\n${id}`;
    const result = running.get(key) ?? carryOut(command, scope, target, source);
    running.set(key, result);
    try {
      const { via, ...answer } = await result;
      if (via !== undefined && via !== source.id) return refusals.refuse(what, CAME_BEFORE);
      return { id, ...answer };
    } catch (error) {
      // Not on disk, so not carried out: the same command may be tried again.
      return refusals.refuse(what, `the disk takes nothing, so nothing is done: ${(error as Error).message}`);
    } finally {
      if (running.get(key) === result) running.delete(key);
      underWay.end(sender);
    }
  };

  return { take, isRunning: (scope: string, id: string) => running.has(`${scope}\n${id}`) };
}

/** The path of what comes from outside. */
function createReceiving(context: Path) {
  const { journal, clock, tell } = context;
  const refusals = createRefusals({ ...context, tell: (details) => tell('command.refused', details) });
  const floods = createFloodGuard(context.time, refusals);
  const { take, isRunning } = createTaking(context, refusals);
  return {
    async receive(
      payload: Uint8Array,
      target: string,
      source: Source,
      wrong?: string,
    ): Promise<Reply | undefined> {
      const by = { source: source.kind, from: source.id, target };
      const idOf = () => {
        const read = readCommand(payload);
        return 'wrong' in read ? read.id : read.command.id;
      };
      const sender = senderOf(source);
      if (!floods.mayCome(sender, source.rate)) return floods.refuse(idOf, by, sender, source.rate);
      const read = readCommand(payload);
      if ('wrong' in read) return refusals.refuse({ ...by, id: read.id }, read.wrong);
      return await take(read.command, target, source, wrong);
    },
    async order({ target, ...order }: Order, source: Source): Promise<Reply> {
      const by = { source: source.kind, from: source.id, target };
      const { id, action, issuer } = order;
      const what = { ...by, id, action, issuer };
      const now = clock.now();
      const { issuedAt = now, expiresAt = issuedAt + ORDER_MS } = order;
      const command = { ...order, issuedAt, expiresAt, signed: Buffer.alloc(0) };
      // It has no signature to look at, so this costs little: what may not be takes no place from what may.
      const allowed = authorise(command, { campus: context.campus, target }, source, now);
      if ('refused' in allowed) return refusals.refuse(what, allowed.refused);
      const sender = senderOf(source);
      if (!floods.mayCome(sender, source.rate))
        return floods.refuse(() => id, by, sender, source.rate) ?? { id, ...tooMany };
      if (isTooDeep(order.arguments)) return refusals.refuse(what, `arguments: ${TOO_DEEP}`);
      return await take(command, target, source);
    },
    async tellInterrupted() {
      for (const { source, id } of await journal.interrupted()) {
        if (isRunning(source, id)) continue;
        const details = { source: 'uplink', from: source, id, ...interrupted };
        const audit = await journal.end({
          source,
          id,
          at: clock.now(),
          outcome: JSON.stringify(interrupted),
          audit: JSON.stringify({ kind: 'outcome', ...details }),
        });
        tell('command.failed', { ...details, audit });
      }
    },
    close: () => refusals.close(),
  };
}

/** For the audit and for platforms that did not ask: an inventory is long. */
const inShort = <R extends Result>({ result: _whole, ...rest }: R) => rest;
const outcomeOf = (outcome: string | null): Outcome =>
  outcome === null ? interrupted : (JSON.parse(outcome) as Outcome);
