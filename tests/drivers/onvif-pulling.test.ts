/** Cameras that answer the question for events in another way, or later, than they were asked to. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import type { Asked, Client } from '../../drivers/onvif/client.ts';
import { readRenewed, readSubscription } from '../../drivers/onvif/codec.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { readEvents } from '../../drivers/onvif/events.ts';
import { createBears } from '../../drivers/onvif/limits.ts';
import { fastClock, manualClock } from '../clocks.ts';
import { fakeHost } from '../helpers.ts';
import { notice, type PeerOptions, soap, soapFault, startPeer, xsTime } from './onvif-peer.ts';

/** Waits and limits pass twenty times as fast; the wall, which times bear, does not. */
const FACTOR = 20;
const quick: Clock = { ...fastClock(FACTOR), wall: systemClock.wall };
const seconds = (count: number) => systemClock.wait((count * 1000) / FACTOR);
let rules = 0;
/** Of another rule each: the same state again is no event. */
const motion = () =>
  notice('tns1:RuleEngine/CellMotionDetector/Motion', { Rule: `R${rules++}` }, 'IsMotion', Date.now());
const pulled = (...notices: string[]) =>
  soap(
    `<tev:PullMessagesResponse><tev:CurrentTime>${xsTime(Date.now())}</tev:CurrentTime><tev:TerminationTime>${xsTime(Date.now() + 60_000)}</tev:TerminationTime>${notices.join('')}</tev:PullMessagesResponse>`,
  );

/** A queue whose first waiter gets what happens, as a camera's that does not know who has left. */
function queueOf(clock: Clock = systemClock, factor = FACTOR) {
  const waiting: ((notices: string[]) => void)[] = [];
  const held: string[] = [];
  return {
    push(one: string) {
      const first = waiting.shift();
      if (first === undefined) held.push(one);
      else first([one]);
    },
    next: (count: number) =>
      new Promise<string[]>((resolve) => {
        if (held.length > 0) return resolve(held.splice(0));
        const done = (notices: string[]) => {
          late.stop();
          resolve(notices);
        };
        waiting.push(done);
        const late = clock.after((count * 1000) / factor, () => {
          waiting.splice(waiting.indexOf(done), 1);
          resolve([]);
        });
      }),
  };
}

const answers: Readonly<Record<string, string>> = {
  CreatePullPointSubscription: soap(
    '<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>http://c/1</a:Address></tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>',
  ),
  Renew: soap('<wsnt:RenewResponse><wsnt:TerminationTime/></wsnt:RenewResponse>'),
};

async function met(options: PeerOptions) {
  const peer = await startPeer(options);
  const fake = fakeHost(undefined, quick);
  const device = {
    id: 'cam',
    driver: 'onvif',
    options: onvif.options.parse({ host: '127.0.0.1', port: peer.port }),
  };
  const session = await onvif.open([device], fake.host);
  onTestFinished(() => session.close());
  const told = () => fake.reports.find(({ cause, state }) => cause === 'motion' && state === 'raised');
  const faults = () =>
    fake.reports.rest().filter(({ kind, state }) => kind === 'fault' && state === 'raised');
  return { peer, told, faults, ...fake };
}

describe('a camera that is asked for events', () => {
  it('and waits for 20 s, whatever it is asked, loses none to a connection that was given up', async () => {
    const clock = manualClock();
    const queue = queueOf(clock, 1);
    const asked: string[] = [];
    const client = {
      clock: () => ({ offset: 0, zone: 0 }),
      waitMs: () => 0,
      readClock: async () => ({ offset: 0, zone: 0 }),
      async askAt(_told: string, url: string, { what, timeout, signal }: Asked) {
        asked.push(what);
        if (what !== 'PullMessages')
          return { status: 200, url, text: what in answers ? answers[what] : soap('<x/>') };
        const ended = new Promise<never>((_, reject) => {
          clock.after(timeout, () => reject(new Error(`no answer within ${timeout / 1000} s`)));
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
        return { status: 200, url, text: pulled(...(await Promise.race([queue.next(20), ended]))) };
      },
    } as unknown as Client;
    const taken: number[] = [];
    const stop = new AbortController();
    const nothing = () => {};
    const reading = readEvents({
      ...{ client, clock, told: 'http://c/', base: 'http://c/', bears: createBears(), signal: stop.signal },
      ...{ asked: nothing, heard: nothing, pulled: nothing, failed: nothing, discarded: nothing },
      async take() {
        taken.push(clock.elapsed() / 1000);
        return true;
      },
      between: async () => {},
    });
    for (const moment of [14, 44, 47, 110]) {
      await clock.advance(moment * 1000 - clock.elapsed());
      queue.push(motion());
    }
    await clock.advance(1000);
    expect(taken.map(Math.floor)).toEqual([14, 44, 47, 110]);
    expect(asked.filter((what) => what === 'CreatePullPointSubscription')).toHaveLength(1);
    stop.abort();
    queue.push(motion());
    await clock.until(reading, 100_000);
  });

  // agsh/onvif#314 and others: a long poll that is chunked begins before it has something to tell.
  it('and sends its headers at once is waited for', async () => {
    const queue = queueOf();
    const { peer, told, discards } = await met({
      odd: {
        PullMessages: (_heard, response) => {
          response.writeHead(200, { 'content-type': 'application/soap+xml' });
          response.flushHeaders();
          void queue.next(8).then((notices) => response.end(pulled(...notices)));
          return 'itself';
        },
      },
    });
    await expect.poll(() => peer.of('PullMessages').length).toBe(2);
    await seconds(6);
    queue.push(motion());
    await told();
    expect(peer.of('CreatePullPointSubscription')).toHaveLength(1);
    expect(discards.rest()).toEqual([]);
  });

  it.each([
    ['a fault', () => [400, soapFault('ter:NoEvents', 'no message')] as const],
    ['a fault of any kind, after it has waited', () => [500, soapFault('ter:Action', 'error 7')] as const],
    ['nothing at all', () => [200, ''] as const],
  ])('and says by %s that nothing happened keeps its subscription', async (_name, nothing) => {
    const queue = queueOf();
    const { peer, told, faults, discards } = await met({
      odd: {
        PullMessages: async () => {
          const notices = await queue.next(3);
          return notices.length === 0 ? nothing() : [200, pulled(...notices)];
        },
        Renew: () => [
          200,
          soap(
            `<wsnt:RenewResponse><wsnt:TerminationTime>${xsTime(Date.now() + 60_000)}</wsnt:TerminationTime></wsnt:RenewResponse>`,
          ),
        ],
      },
    });
    await expect.poll(() => peer.of('PullMessages').length).toBeGreaterThan(4);
    queue.push(motion());
    await told();
    expect(peer.of('CreatePullPointSubscription')).toHaveLength(1);
    expect(faults()).toEqual([]);
    expect(discards.rest()).toEqual([]);
  });

  it('and has forgotten its subscription is subscribed to anew, and one that refuses at once is blind', async () => {
    const gone = () => [400, soapFault('wsrf-r:ResourceUnknownFault', 'unknown')] as const;
    const one = await met({ odd: { PullMessages: gone } });
    await expect.poll(() => one.peer.of('CreatePullPointSubscription').length).toBeGreaterThan(1);
    expect(one.peer.of('Renew')).toEqual([]);
    const other = await met({ odd: { PullMessages: () => [500, soapFault('ter:Action', 'error 7')] } });
    const blind = await other.reports.find(({ cause, state }) => cause === 'blind' && state === 'raised');
    expect(blind.details?.['reason']).toContain('error 7');
  });
});

// WS-BaseNotification 1.3, 6.1.1: CurrentTime of a RenewResponse is optional.
describe('a subscription that does not say how long it lasts', () => {
  const ends = `<wsnt:TerminationTime>${xsTime(Date.now() + 10_000)}</wsnt:TerminationTime>`;
  it('lasts as it did before, or as was asked', () => {
    expect(readRenewed(soap(`<wsnt:RenewResponse>${ends}</wsnt:RenewResponse>`), 10_000)).toBe(10_000);
    const made = `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><a:Address>http://c/</a:Address></tev:SubscriptionReference>${ends}</tev:CreatePullPointSubscriptionResponse>`;
    expect(readSubscription(soap(made), 30_000).lasts).toBe(30_000);
  });
});
