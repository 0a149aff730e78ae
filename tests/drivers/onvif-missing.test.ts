import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../drivers/contract/clock.ts';
import { profileOf, readProfiles } from '../../drivers/onvif/channels.ts';
import { readRelayOutputs, readVideoSources } from '../../drivers/onvif/codec.ts';
import { onvif } from '../../drivers/onvif/driver.ts';
import { missingOf } from '../../drivers/onvif/missing.ts';
import { fastClock } from '../clocks.ts';
import { fakeHost, silentLog } from '../helpers.ts';
import { jpeg, type PeerOptions, soap, soapFault, startPeer } from './onvif-peer.ts';

const quick: Clock = { ...fastClock(5), wall: systemClock.wall };
const PTZ = 'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"';
// devicemgmt.wsdl: GetRelayOutputsResponse, tt:RelayOutput of onvif.xsd.
const relays = soap(
  '<tds:GetRelayOutputsResponse><tds:RelayOutputs token="RelayOutputToken_1"><tt:Properties><tt:Mode>Monostable</tt:Mode><tt:DelayTime>PT5S</tt:DelayTime><tt:IdleState>open</tt:IdleState></tt:Properties></tds:RelayOutputs><tds:RelayOutputs token="RelayOutputToken_2"/></tds:GetRelayOutputsResponse>',
);
const presets = soap(
  `<tptz:GetPresetsResponse ${PTZ}><tptz:Preset token="1"><tt:Name>北门</tt:Name></tptz:Preset><tptz:Preset token="2"/></tptz:GetPresetsResponse>`,
);
const own = (id: string, options: object) => ({
  id,
  driver: 'onvif',
  options: onvif.options.parse({ host: '10.0.0.1', ...options }),
});

async function met(odd: PeerOptions['odd'], ...entries: readonly object[]) {
  const peer = await startPeer({
    profiles: [
      ['P1', 'VSC_1', 'VS_1'],
      ['P2', 'VSC_2', 'VS_2'],
    ],
    // It says yes to whatever it is told, as some do.
    odd: {
      GetRelayOutputs: () => [200, relays],
      SetRelayOutputState: () => [200, soap('<tds:SetRelayOutputStateResponse/>')],
      GetPresets: () => [200, presets],
      GotoPreset: () => [200, soap(`<tptz:GotoPresetResponse ${PTZ}/>`)],
      ...odd,
    },
  });
  const fake = fakeHost(undefined, quick);
  const devices = entries.map((one, i) =>
    own(`cam-${i + 1}`, { host: '127.0.0.1', port: peer.port, ...one }),
  );
  const warned: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, sentence: string) => void warned.push(sentence) };
  const session = await onvif.open(devices, { ...fake.host, log });
  onTestFinished(() => session.close());
  const tell = (action: string, given: object, device = 'cam-1') =>
    session.execute?.({ id: 'c', device, action, arguments: { ...given } });
  return { peer, tell, warned, ...fake };
}
const config = ({ cause }: { readonly cause?: string | undefined }) => cause === 'config';

describe('what a camera does not have', () => {
  it('is a fault of the channel that names it, with what there is, and all of it in the log', async () => {
    const light = { id: 'light', token: 'RelayOutput0' };
    const { reports, discards, warned } = await met(
      {},
      { source: 'VS_1' },
      { source: 'VS_9', profile: 'P7', relays: [light] },
    );
    const found = [await reports.find(config), await reports.find(config)];
    expect(found).toMatchObject([
      { device: 'cam-1', kind: 'fault', state: 'restored' },
      { device: 'cam-2', kind: 'fault', state: 'raised', details: { reason: expect.any(String) } },
    ]);
    const sentences = [
      'it has no source VS_9; it has: VS_1, VS_2',
      'it has no profile P7; it has: P1, P2',
      'it has no relay RelayOutput0; it has: RelayOutputToken_1, RelayOutputToken_2',
    ];
    expect(found[1]?.details?.['reason']).toBe(sentences.join('; '));
    expect(warned).toEqual([
      `cam-2: the config names what the camera does not have: ${sentences.join('; ')}`,
    ]);
    expect(discards.rest()).toEqual([]);
  });

  it('is refused in a command, and nothing is done', async () => {
    const { peer, tell } = await met({}, { relays: [{ id: 'light', token: 'RelayOutput0' }] });
    const none = /it has no preset gate; it has: 北门, 2/;
    await expect(tell('preset', { preset: 'gate' })).rejects.toThrow(none);
    await expect(tell('snapshot', { preset: 'gate' })).rejects.toThrow(none);
    expect(await tell('activate', { output: 'light' })).toMatchObject({
      done: false,
      reason: 'it has no relay RelayOutput0; it has: RelayOutputToken_1, RelayOutputToken_2',
    });
    for (const operation of ['GotoPreset', 'GetSnapshotUri', 'SetRelayOutputState'])
      expect(peer.of(operation)).toEqual([]);
  });

  it('is no reason to wait where it does not tell its relays', async () => {
    const refused = { GetRelayOutputs: () => [400, soapFault('ter:ActionNotSupported', 'no')] as const };
    const { tell } = await met(refused, { relays: [{ id: 'light', token: 'RelayOutput0' }] });
    expect(await tell('activate', { output: 'light' })).toEqual({ done: true });
  });

  it('is not a preset that it has and does not turn to: that picture is kept, and not told as the one', async () => {
    const odd: PeerOptions['odd'] = {
      GotoPreset: () => [500, soapFault('ter:PTZNotSupported', 'the head is stuck')],
      GetSnapshotUri: ({ port }) => [
        200,
        soap(
          `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>http://127.0.0.1:${port}/a.jpg</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`,
        ),
      ],
      '': () => [200, jpeg.toString('latin1')],
    };
    const { tell, kept, pictures } = await met(odd, {});
    const outcome = tell('snapshot', { preset: '2', event: 'alarm-1' });
    await outcome?.then(
      async (said) => {
        expect(said).toMatchObject({
          done: false,
          reason: expect.stringMatching(/did not turn to 2: .*stuck; picture/),
        });
        expect(await kept.next()).toBe('alarm-1');
        expect(await pictures.next()).toBeDefined();
      },
      () => expect.fail('there was a picture'),
    );
  });
});

describe('what the config names', () => {
  const profiles = readProfiles(
    soap(
      '<trt:GetProfilesResponse><trt:Profiles token="P1"><tt:VideoSourceConfiguration token="C1"><tt:SourceToken>S1</tt:SourceToken></tt:VideoSourceConfiguration></trt:Profiles></trt:GetProfilesResponse>',
    ),
  );
  const has = { profiles, sources: undefined, relays: undefined };
  it.each([
    [{ source: 'S1' }, []],
    [{ source: 'C1', profile: 'P1' }, []],
    [
      { source: 'S2', profile: 'P1' },
      ['it has no source S2; it has: S1', 'its profile P1 is of S1, and not of the source S2'],
    ],
    [{ relays: [{ id: 'a', token: 'x' }] }, []],
  ])('%j is compared with what is there: %j', (options, sentences) => {
    expect(missingOf(own('cam', options), has)).toEqual(sentences);
  });

  it('is there where it is a source without a profile, and not known where nothing is told', () => {
    // media.wsdl: GetVideoSourcesResponse.
    const sources = readVideoSources(
      soap(
        '<trt:GetVideoSourcesResponse><trt:VideoSources token="S1"/><trt:VideoSources token="S2"/></trt:GetVideoSourcesResponse>',
      ),
    );
    expect(missingOf(own('cam', { source: 'S2' }), { ...has, sources })).toEqual([]);
    expect(missingOf(own('cam', { source: 'S2', profile: 'P' }), { ...has, profiles: [] })).toEqual([]);
    expect(readRelayOutputs(relays)).toEqual(['RelayOutputToken_1', 'RelayOutputToken_2']);
  });

  it('of a profile is never taken for the first one', () => {
    expect(() => profileOf(own('cam', { profile: 'P9' }), profiles)).toThrow(
      'it has no profile P9; it has: P1',
    );
    expect(profileOf(own('cam', { profile: 'P9' }), [])).toBe('P9');
  });
});
