/** The simulated platform of GB/T 28181, and a gateway that was written by hand. */
import { expect, onTestFinished } from 'vitest';
import { type Gb28181PlatformOptions, startGb28181Platform } from '../../simulators/gb28181-platform.ts';
import { fastClock } from '../clocks.ts';
import { stream, temporaryDirectory } from '../helpers.ts';
import { GATEWAY, type Heard, PLATFORM, startGateway } from './gb28181-gateway.ts';

export const PASSWORD = 'secret';

export async function started(own: Partial<Gb28181PlatformOptions> = {}, by: 'UDP' | 'TCP' = 'UDP') {
  const told = stream<string>();
  const all: string[] = [];
  const folder = temporaryDirectory();
  const platform = await startGb28181Platform({
    ...{ host: '127.0.0.1', port: 0, id: PLATFORM, domain: '3402000000', password: PASSWORD },
    ...{ algorithm: 'md5', qop: true, folder, say: (en) => en, time: fastClock(10) },
    tell(sentence) {
      all.push(sentence);
      told.push(sentence);
    },
    ...own,
  });
  onTestFinished(() => platform.close());
  const gateway = await startGateway(platform.port, by);
  return { platform, gateway, told, all, folder };
}

/** Registered, and what the platform asked for at once was answered. */
export async function registered(own: Partial<Gb28181PlatformOptions> = {}, by: 'UDP' | 'TCP' = 'UDP') {
  const one = await started(own, by);
  expect((await one.gateway.register(PASSWORD)).start).toBe('SIP/2.0 200 OK');
  const question = await one.gateway.asked.next();
  await one.gateway.message(catalogOf(question, 0));
  await one.told.find((sentence) => sentence.startsWith('Catalog: 0 of 0'));
  return one;
}

export const catalogOf = (question: Heard, sum: number, ...ids: readonly string[]) =>
  `<Response><CmdType>Catalog</CmdType><SN>${question.word('SN')}</SN><DeviceID>${GATEWAY}</DeviceID>
<SumNum>${sum}</SumNum><DeviceList Num="${ids.length}">${ids
    .map((id) => `<Item><DeviceID>${id}</DeviceID><Name>东门</Name><Status>ON</Status></Item>`)
    .join('')}</DeviceList></Response>`;
