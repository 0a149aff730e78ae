import { describe, expect, it } from 'vitest';
import { deviceKinds, gatewayKinds, observationKinds } from '../../drivers/contract/observation.ts';
import { profileSchema as terminalProfileSchema } from '../../drivers/http-push/profile.ts';
import { profileSchema } from '../../drivers/modbus/profile.ts';
import { eventRule } from '../../drivers/onvif/mapping.ts';
import { fakeHost } from '../helpers.ts';

const claims = (kind: string) => ({
  'a Modbus profile': profileSchema.safeParse({
    title: { en: 'x', zh: 'x' },
    verified: false,
    points: [{ function: 1, address: 0, kind }],
  }).success,
  'a profile of a terminal': terminalProfileSchema.safeParse({
    title: 'x',
    observations: [{ kind, state: 'raised' }],
  }).success,
  'a rule for a camera': eventRule.safeParse({ topic: 'Device', kind }).success,
});

describe('a word of the gateway', () => {
  it('is none of a device', () => {
    expect([...deviceKinds, ...gatewayKinds].sort()).toEqual([...observationKinds].sort());
    expect(deviceKinds.filter((kind) => (gatewayKinds as readonly string[]).includes(kind))).toEqual([]);
  });

  it('cannot be reported by a driver', async () => {
    const { host } = fakeHost();
    // What is checked here is checked by tsc: each line below must be an error.
    // @ts-expect-error whether a device answers is told by `link`
    await host.report({ device: 'd', kind: 'link', state: 'raised' });
    // @ts-expect-error a lockdown is the gateway's
    await host.report({ device: 'd', kind: 'lockdown', state: 'raised' });
    await host.report({ device: 'd', kind: 'panic', state: 'raised' });
  });

  it.each(gatewayKinds)('%s cannot be claimed by what the config says of devices', (kind) => {
    expect(claims(kind)).toEqual({
      'a Modbus profile': false,
      'a profile of a terminal': false,
      'a rule for a camera': false,
    });
    expect(claims('panic')).toEqual({
      'a Modbus profile': true,
      'a profile of a terminal': true,
      'a rule for a camera': true,
    });
  });
});
