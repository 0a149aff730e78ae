import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { StatusConfig } from '../../config/sections/status.ts';
import { ask } from '../../drivers/http.ts';
import { printable } from '../printable.ts';
import { type Command, loadedOrErrors, type Terminal } from './command.ts';

/** A platform that is left gets 1 s; a camera's stop and a disk take their time. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 100;
const ANSWER = { maxBytes: 4_000_000, timeout: 5000 };

/** Of /health. */
interface Running {
  readonly pid?: number;
  readonly reloaded?: {
    readonly number: number;
    readonly done: boolean;
    readonly uplinks?: readonly string[];
    readonly errors?: readonly string[];
    readonly needsRestart?: readonly string[];
  };
}

export const reload: Command = {
  name: 'reload',
  summary: ['Have a running gateway take up its changed config', '让运行中的网关重新读取配置'],
  usage: `campus-gateway reload FILE

Checks FILE; where it is right, the gateway that runs with it reads it again (SIGHUP) and takes up what changed. As yet that can be
\`uplinks\`: those that differ are left and connected anew, the others and all devices go on. What else differs is named, needs a
restart, and then nothing of the file is taken up. A wrong file changes nothing.

Exit status 0 where it was taken up, or nothing had changed; else 1. It finds the gateway by \`status\` in FILE, and is run by its
user or by root.

  campus-gateway reload /etc/campus-gateway/campus.yaml`,

  async run(args, terminal) {
    const { positionals } = parseArgs({ args, allowPositionals: true });
    const loaded = await loadedOrErrors(positionals[0], terminal, { forRunning: true });
    if (loaded === undefined) return 1;
    const { status } = loaded.config;
    if (status === undefined)
      throw new Error(
        say(
          'the config has no `status`: send SIGHUP to the gateway, and look into its log',
          '配置中没有 `status`：请向网关发送 SIGHUP 并查看日志',
        ),
      );
    const before = await running(status, terminal);
    if (before?.pid === undefined) {
      const place = `${status.host}:${status.port}`;
      terminal.stderr.write(say(`no gateway answers at ${place}\n`, `${place} 没有网关响应\n`));
      return 1;
    }
    signal(before.pid);
    const until = terminal.clock.elapsed() + PATIENCE_MS;
    for (;;) {
      const { reloaded } = (await running(status, terminal)) ?? {};
      if (reloaded !== undefined && reloaded.number !== before.reloaded?.number)
        return tell(reloaded, terminal);
      if (terminal.clock.elapsed() > until)
        throw new Error(
          say(
            `the gateway has not answered for ${PATIENCE_MS / 1000} s; look into its log`,
            `网关 ${PATIENCE_MS / 1000} 秒未答复；请查看其日志`,
          ),
        );
      await terminal.clock.wait(LOOK_EVERY_MS);
    }
  },
};

/** What runs there; undefined: nothing that answers as a gateway. */
async function running({ host, port }: StatusConfig, { clock }: Terminal): Promise<Running | undefined> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/health`;
  try {
    const { pid, reloaded } = JSON.parse((await ask(url, { ...ANSWER, clock })).body.toString()) as Running;
    return Number.isInteger(pid) && Number(pid) > 1
      ? { pid: Number(pid), ...(reloaded && { reloaded }) }
      : {};
  } catch {
    return undefined;
  }
}

/** @throws Error with a sentence where that is not allowed. */
function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGHUP');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new Error(
      say(
        'the gateway belongs to another user: run this as that user, or as root (sudo)',
        '网关属于其他用户：请以该用户或 root（sudo）运行',
      ),
    );
  }
}

/** @returns the exit status. */
function tell(
  { done, uplinks = [], errors = [], needsRestart = [] }: NonNullable<Running['reloaded']>,
  { stdout, stderr }: Terminal,
): 0 | 1 {
  if (done) {
    const names = printable(uplinks.join(', '));
    stdout.write(
      uplinks.length === 0
        ? say('nothing had changed\n', '没有变化\n')
        : say(`taken up: ${names}\n`, `已生效：${names}\n`),
    );
    return 0;
  }
  for (const error of errors) stderr.write(`${printable(error)}\n`);
  if (needsRestart.length > 0) {
    const names = printable(needsRestart.join(', '));
    stderr.write(
      say(
        `nothing was taken up: ${names} changed, which needs a restart (systemctl restart campus-gateway)\n`,
        `未生效：${names} 有变化，需要重启（systemctl restart campus-gateway）\n`,
      ),
    );
  }
  return 1;
}
