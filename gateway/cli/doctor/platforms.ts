/** The ways to the platforms: as the gateway says that runs, else tried. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Finding, Transport } from '../../../drivers/contract/transport.ts';
import { platforms } from '../../../drivers/index.ts';
import { askHealth } from '../health/ask.ts';
import { platformLines } from '../health/show.ts';

const signs = { good: '✓', note: '!', bad: '✗' } as const;

/** Whether a gateway has the folder, or that cannot be seen: then it may. */
function isInUse(dataDir: string): boolean {
  const file = join(dataDir, 'lock.sqlite');
  if (!existsSync(file)) return false;
  try {
    const lock = new Database(file, { readonly: true, timeout: 0 });
    try {
      lock.pragma('schema_version');
      return false;
    } finally {
      lock.close();
    }
  } catch {
    return true;
  }
}

/**
 * Lines about each platform whose protocol can be tried; `bad`: one of them is not reached. Where a gateway runs nothing
 * is tried: some platforms know one connection of it, and ours would end that.
 */
export async function examinePlatforms(
  { uplinks, dataDir, status, timezone, campus }: Config,
  clock: Clock,
): Promise<{ readonly bad: boolean; readonly lines: readonly string[] }> {
  const tried = uplinks.flatMap(({ id, protocol, options }) => {
    const { probe } = (platforms as readonly Transport[]).find(({ name }) => name === protocol) ?? {};
    return probe === undefined ? [] : [{ id, probe: () => probe(options, { clock, timeZone: timezone }) }];
  });
  if (tried.length === 0) return { bad: false, lines: [] };
  const running = status && (await askHealth(status, clock))?.answer;
  if (running?.uplinks !== undefined && running.campus === campus.id) {
    const told = Object.entries(running.uplinks).filter(([id]) => tried.some((one) => one.id === id));
    return {
      bad: told.some(([, { state }]) => state !== 'connected'),
      lines: [
        say('! the gateway runs: as it says itself', '! 网关正在运行：以下为其自身报告'),
        ...told.flatMap((one) => [...platformLines(...one)]),
      ],
    };
  }
  if (isInUse(dataDir))
    return {
      bad: false,
      lines: [
        say(
          `! a gateway runs with ${dataDir}, or this user cannot see whether: the platforms were not tried, which would end its registration. Give it \`status: { port: 9464 }\` and it tells how they are; or stop it first.`,
          `! 有网关正在使用 ${dataDir}，或当前用户无权查看：未尝试连接平台，否则会顶替其注册。请配置 \`status: { port: 9464 }\` 以便查询，或先停止网关。`,
        ),
      ],
    };
  const lines: string[] = [];
  let isBad = false;
  const tell = (id: string, { is, en, zh }: Finding) => {
    isBad ||= is === 'bad';
    lines.push(`${signs[is]} ${say('platform', '平台')} ${id}${say(': ', '：')}${say(en, zh)}`);
  };
  // One after the other: they share ports.
  for (const { id, probe } of tried) for (const found of await probe()) tell(id, found);
  return { bad: isBad, lines };
}
