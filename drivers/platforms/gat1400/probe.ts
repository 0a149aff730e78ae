/**
 * Whether a view library can be reached and lets us in: for a tool, where no gateway runs. It registers once, compares the
 * clocks and leaves; a password that is refused is not tried again. Nothing that was seen leaves.
 */
import { clockFinding } from '../../clock-finding.ts';
import type { Finding, ProbeHost } from '../../contract/transport.ts';
import { askOffset, offsetIn } from './clock.ts';
import type { Options } from './options.ts';
import { type Asking, askingOf, RefusedError, register, unregister } from './registering.ts';

const GOODBYE_MS = 2000;

const bad = (en: string, zh: string): Finding => ({ is: 'bad', en, zh });

function whyNot(error: Error, { url }: Options): Finding {
  if (!(error instanceof RefusedError))
    return bad(
      `no answer from ${url} (${error.message}): look at \`url\`, the firewall, and, for https, at \`caFile\``,
      `${url} 无应答（${error.message}）：请检查 \`url\`、防火墙；使用 https 时请检查 \`caFile\``,
    );
  const { why, said } = error;
  if (why === 'password')
    return bad(
      `it refuses the password, or the id that it is of (${said}); it was not tried again: some platforms take several tries for an attack. Look at passwordFile, \`username\` and \`deviceId\``,
      `平台拒绝了密码或其对应的编码（${said}）；未再重试，因为有的平台会将多次尝试视为攻击。请检查 passwordFile、\`username\` 和 \`deviceId\``,
    );
  if (why === 'proof')
    return bad(
      `it wants a proof of the password that is not known here (${said}): known is a digest, and the password is sent in no other way`,
      `平台要求的密码验证方式不受支持（${said}）：仅支持摘要认证，不会以其他方式发送密码`,
    );
  if (why === 'id')
    return bad(
      `it does not let this device id in (${said}): have \`deviceId\` added there`,
      `平台不接受该设备编码（${said}）：请在平台上登记 \`deviceId\``,
    );
  if (why === 'stranger')
    return bad(
      `what answers at ${url} is no view library: look at \`url\``,
      `${url} 上应答的不是视图库：请检查 \`url\``,
    );
  return bad(`it refuses to register us (${said})`, `平台拒绝注册（${said}）`);
}

/** Never rejects. */
export async function probe(own: Options, host: ProbeHost): Promise<readonly Finding[]> {
  let asking: Asking;
  try {
    asking = askingOf(own, host.clock, new AbortController().signal);
    const from = host.clock.wall();
    const { body } = await register(asking, own);
    const off = (await askOffset(asking, host)) ?? offsetIn(body, from, host);
    await unregister(asking, own, GOODBYE_MS);
    return [clockFinding(off)];
  } catch (error) {
    return [whyNot(error as Error, own)];
  }
}
