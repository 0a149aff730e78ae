/**
 * Whether a gateway is worse than it was: what an upgrade is judged by. A single device or the line of a school may fail
 * while a package is installed, and is no reason to take it back; what one version could and the next cannot is: no
 * platform, or no device of a driver, that answered before answers now.
 */
import { say } from '../../../config/language.ts';
import type { HealthAnswer } from './show.ts';

/**
 * Sentences about what is worse; none: nothing. `driverOf` undefined: the device is in the config no more. A device that
 * was not heard of since the start (null) is not known to be away, as a panel that has nothing to say.
 */
export function worseThan(
  before: HealthAnswer,
  now: HealthAnswer,
  driverOf: (device: string) => string | undefined,
): readonly string[] {
  const worse: string[] = [];
  if (now.healthy !== true)
    worse.push(
      say(
        `the disk takes no events: ${now.journal?.reason ?? ''}`,
        `磁盘无法写入事件：${now.journal?.reason ?? ''}`,
      ),
    );
  const { uplinks = {}, devices = {} } = now;
  for (const [id, { state }] of Object.entries(before.uplinks ?? {})) {
    const one = uplinks[id];
    if (state !== 'connected' || one === undefined || one.state === 'connected') continue;
    const reason = one.reason ?? one.state ?? '';
    worse.push(
      say(
        `the platform ${id} was connected and is not: ${reason}`,
        `平台 ${id} 之前已连接，现在未连接：${reason}`,
      ),
    );
  }
  const drivers = new Map<string, (boolean | null)[]>();
  for (const [id, online] of Object.entries(before.devices ?? {})) {
    const driver = driverOf(id);
    if (online !== true || driver === undefined || devices[id] === undefined) continue;
    drivers.set(driver, [...(drivers.get(driver) ?? []), devices[id]]);
  }
  for (const [driver, those] of drivers) {
    if (those.some((online) => online !== false)) continue;
    worse.push(
      say(
        `no device of the driver ${driver} answers any more; before, ${those.length} did`,
        `驱动 ${driver} 的设备均无响应；之前有 ${those.length} 台在线`,
      ),
    );
  }
  return worse;
}
