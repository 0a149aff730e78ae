/** A wire that many share and whose config changes while it is open: who did not change goes on over the same connection. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { startPanel } from '../../simulators/panel.ts';
import { fakeHost, freePort } from '../helpers.ts';
import { connected, panic } from './receiver-line.ts';

const panelOf = (port: number, account: string) => ({
  ...{ id: `panel-${account}`, driver: 'dc09' },
  options: dc09.options.parse({ listen: { host: '127.0.0.1', port }, accounts: [{ account }] }),
});

/** A simulated panel on the port: what it was answered, and whether its connection ended. */
function simulated(port: number, account: string) {
  const seen = { acknowledged: 0, unanswered: 0, ended: 0 };
  const panel = startPanel({
    ...{ host: '127.0.0.1', port, account, retry: 200 },
    acknowledged: () => void seen.acknowledged++,
    news({ is }) {
      if (is === 'unanswered') seen.unanswered++;
      if (is === 'closed' || is === 'away') seen.ended++;
    },
  });
  onTestFinished(() => panel.close());
  return { seen, panel };
}

describe('a port of panels', () => {
  it('takes up who comes and who goes, and keeps every connection', async () => {
    const port = await freePort();
    const { host, reports } = fakeHost();
    const [one, two, three] = ['1111', '2222', '3333'].map((account) => panelOf(port, account));
    if (one === undefined || two === undefined || three === undefined) throw new Error('there are three');
    const session = await dc09.open([one, two], host);
    onTestFinished(() => session.close());
    const [first, second, third] = ['1111', '2222', '3333'].map((account) => simulated(port, account));
    await Promise.all([first, second].map((each) => each?.panel.report('#|Nri1/PA1')));
    // A slow machine has panels say it again: who said something is what counts here.
    const said = () => new Set(reports.rest().map(({ device }) => device));
    expect(said()).toEqual(new Set(['panel-1111', 'panel-2222']));
    await session.configure?.([one, three]);
    await Promise.all([first, third].map((each) => each?.panel.report('#|Nri1/PA2')));
    void second?.panel.report('#|Nri1/PA2');
    await expect.poll(() => second?.seen.unanswered).toBeGreaterThan(0);
    expect(said()).toEqual(new Set(['panel-1111', 'panel-3333']));
    for (const each of [first, second, third]) expect(each?.seen.ended).toBe(0);
    expect(second?.seen.acknowledged).toBe(1);
  });
});

describe('a line of a receiver', () => {
  it('takes up other accounts, and refuses what is another wire', async () => {
    const { session, device, say, reports } = await connected({});
    const own = device.options;
    const [, kept] = own.accounts;
    if (kept === undefined) throw new Error('it has two accounts');
    await session.configure?.([{ ...device, options: { ...own, accounts: [kept] } }]);
    say(panic);
    // Of a panel that nobody looks after any more: no panic button is known there, and the installer is told.
    expect(await reports.find(({ kind }) => kind === 'fault')).toMatchObject({
      text: expect.stringMatching(/^account 7037/),
    });
    await expect(
      session.configure?.([{ ...device, options: { ...own, poll: 'x' as never } }]),
    ).rejects.toThrow('another wire');
  });
});
