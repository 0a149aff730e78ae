/** Each camera of a config, asked once who it is: its clock, its firmware, whether its password is right. */
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import { CLOCK_OFF_MS } from '../../../drivers/contract/transport.ts';
import { readSecretOf } from '../../../drivers/files.ts';
import { connectCamera } from '../../../drivers/onvif/camera.ts';
import { tlsOf } from '../../../drivers/onvif/certificate.ts';
import { createClient } from '../../../drivers/onvif/client.ts';
import { type Own, portOf } from '../../../drivers/onvif/options.ts';
import { type Finding, findingsAbout } from '../../doctor/finding.ts';
import { inTurns } from '../../doctor/network.ts';

const AT_ONCE = 4;

async function examineCamera(own: Own, clock: Clock): Promise<readonly Finding[]> {
  const { good, note, bad } = findingsAbout('devices');
  const { id } = own;
  const { host, username, passwordFile = '' } = own.options;
  const credentials = () =>
    username === undefined ? undefined : { username, password: readSecretOf(passwordFile) };
  try {
    const address = { host, port: portOf(own.options), tls: tlsOf(own, () => {}) };
    const client = createClient(address, credentials, clock);
    const { offset } = await client.readClock();
    // It asks once: a wrong password is not tried again (drivers/login.ts).
    const { info } = await connectCamera(client, clock);
    const is = [info.manufacturer, info.model, info.firmware].filter((word) => word !== undefined).join(' ');
    const found = [good(`${id}: answers, and takes the password: ${is}`, `${id}：在线，密码正确：${is}`)];
    if (offset !== undefined && Math.abs(offset) > CLOCK_OFF_MS)
      found.push(
        note(
          `${id}: its clock is ${(offset / 1000).toFixed(0)} s off: give it this machine or the school's time server (NTP)`,
          `${id}：其时钟偏差 ${(offset / 1000).toFixed(0)} 秒：请为其设置时间服务器（NTP）`,
        ),
      );
    return found;
  } catch (error) {
    const { message } = error as Error;
    return [
      bad(
        `${id}: ${message}: look at its address, its power, and \`username\` and \`passwordFile\`; nothing was tried twice`,
        `${id}：${message}：请检查地址、电源以及 \`username\` 和 \`passwordFile\`；未重复尝试`,
      ),
    ];
  }
}

/** Channels of one recorder are asked of once. */
export async function cameraFindings(devices: Config['devices'], clock: Clock): Promise<readonly Finding[]> {
  const cameras = devices.filter(({ driver }) => driver === 'onvif') as unknown as readonly Own[];
  const byPlace = new Map(cameras.map((own) => [`${own.options.host}:${portOf(own.options)}`, own]));
  return await inTurns([...byPlace.values()], AT_ONCE, (own) => examineCamera(own, clock));
}
