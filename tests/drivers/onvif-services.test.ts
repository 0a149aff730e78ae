/** Cameras that say where their services are, and how they are to be asked, in ways of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, temporaryDirectory } from '../helpers.ts';
import { notice, type PeerOptions, soap, soapFault, startPeer } from './onvif-peer.ts';

const quick: Clock = { ...fastClock(20), wall: systemClock.wall };

async function open(port: number) {
  const passwordFile = join(temporaryDirectory(), 'pw');
  writeFileSync(passwordFile, 'pw\n');
  const fake = fakeHost(undefined, quick);
  const own = onvif.options.parse({ host: '127.0.0.1', port, username: 'admin', passwordFile });
  const session = await onvif.open([{ id: 'cam', driver: 'onvif', options: own }], fake.host);
  onTestFinished(() => session.close());
  return fake;
}
async function motionOf(options: PeerOptions) {
  const peer = await startPeer(options);
  const { reports } = await open(peer.port);
  peer.push(notice('tns1:RuleEngine/CellMotionDetector/Motion', { Rule: 'R' }, 'IsMotion', Date.now()));
  expect(await reports.find(({ cause, state }) => cause === 'motion' && state === 'raised')).toBeDefined();
  return peer;
}

describe('a camera', () => {
  // WS-Security 1.1, 12.
  it.each([
    ...['UnsupportedSecurityToken', 'InvalidSecurity', 'InvalidSecurityToken', 'FailedAuthentication'],
    ...['FailedCheck', 'SecurityTokenUnavailable', 'MessageExpired'],
  ])('that knows tokens only and wants one by wsse:%s gets it', async (code) => {
    const missing: NonNullable<PeerOptions['odd']>[string] = ({ body }) =>
      body.includes('<UsernameToken>')
        ? undefined
        : [400, soapFault(`wsse:${code}`, 'An error was discovered')];
    const odd = { GetServices: missing, CreatePullPointSubscription: missing, PullMessages: missing };
    const peer = await motionOf({ password: 'pw', login: 'token', odd });
    expect(peer.wrong()).toBe(0);
  });

  // gSOAP 2.8, stdsoap2.c: soap_set_fault, SOAP_NO_METHOD.
  it.each([
    'Method &apos;CreatePullPointSubscription&apos; not implemented: method name or namespace not recognized',
    'Optional Action Not Implemented',
  ])('behind NAT whose other port knows no events (%s) is asked where it told', async (words) => {
    let other = 0;
    const no = (port: number) =>
      port === other ? undefined : ([500, soapFault('s:Client', words)] as const);
    const peer = await startPeer({
      events: () => `http://192.168.1.10:${other}/onvif/events`,
      subscription: () => `http://192.168.1.10:${other}/sub/1`,
      odd: { CreatePullPointSubscription: ({ port }) => no(port), PullMessages: ({ port }) => no(port) },
    });
    other = (await peer.listen()).port;
    const { links } = await open(peer.port);
    expect(await links.next()).toMatchObject({ state: 'online' });
    await expect.poll(() => peer.of('PullMessages').map(({ port }) => port)).toContain(other);
  });

  // devicemgmt.wsdl: GetServicesResponse, GetCapabilitiesResponse; tt:Capabilities of onvif.xsd.
  it('whose events are in its capabilities only has them', async () => {
    await motionOf({
      odd: {
        GetServices: ({ port }) => [
          200,
          soap(
            `<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace><tds:XAddr>http://127.0.0.1:${port}/onvif/media</tds:XAddr></tds:Service></tds:GetServicesResponse>`,
          ),
        ],
        GetCapabilities: ({ port }) => [
          200,
          soap(
            `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Events><tt:XAddr>http://127.0.0.1:${port}/onvif/events</tt:XAddr></tt:Events></tds:Capabilities></tds:GetCapabilitiesResponse>`,
          ),
        ],
      },
    });
  });

  it.each([
    ['leaves its time without an answer', 'itself' as const],
    ['ends the connection when it is asked for its time', 'reset' as const],
  ])('that %s is met without', async (_name, how) => {
    await motionOf({
      odd: {
        GetSystemDateAndTime: (_heard, response) => {
          if (how === 'reset') response.destroy();
          return 'itself';
        },
      },
    });
  });

  // agsh/onvif#498: a Pelco answers nothing where the media type does not say the action.
  it('that answers nothing without an action is told it', async () => {
    const wanted: NonNullable<PeerOptions['odd']>[string] = ({ type }) =>
      type.includes('action=') ? undefined : [200, ''];
    const names = ['GetSystemDateAndTime', 'GetServices', 'CreatePullPointSubscription', 'PullMessages'];
    const peer = await motionOf({ odd: Object.fromEntries(names.map((name) => [name, wanted])) });
    expect(peer.of('PullMessages').every(({ type }) => type.includes('action='))).toBe(true);
    expect(peer.heard.filter(({ type }) => !type.includes('action=')).length).toBe(1);
  });

  // agsh/onvif#302: an Illustra; the words are WS-Addressing's (1.0 SOAP binding, 6.4.3).
  it('that refuses an action in the media type is asked without', async () => {
    const refused: NonNullable<PeerOptions['odd']>[string] = ({ type }) =>
      type.includes('action=')
        ? [400, soapFault('wsa:ActionNotSupported', 'The [action] cannot be processed at the receiver')]
        : undefined;
    const peer = await motionOf({
      odd: { GetServices: refused, GetProfiles: refused, GetVideoSources: refused },
    });
    expect(peer.heard.filter(({ type }) => type.includes('action=')).length).toBe(1);
  });

  // SOAP 1.2 part 1, 5.4.8.
  it('that does not understand what it must is not told that it must', async () => {
    const lost: NonNullable<PeerOptions['odd']>[string] = ({ body }) =>
      body.includes('mustUnderstand="1"')
        ? [500, soapFault('s:MustUnderstand', 'One or more mandatory header blocks not understood')]
        : undefined;
    const peer = await motionOf({
      odd: { CreatePullPointSubscription: lost, PullMessages: lost, Renew: lost },
    });
    expect(peer.of('PullMessages')[0]?.body).not.toContain('mustUnderstand');
  });
});
