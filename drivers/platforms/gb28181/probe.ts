/**
 * Whether a platform of GB/T 28181 can be reached and lets us in: for a tool, where no gateway runs. It registers once, for
 * as short as it can, compares the clocks and leaves; a password that is refused is not tried again.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { clockFinding } from '../../clock-finding.ts';
import type { Clock } from '../../contract/clock.ts';
import { LineError } from '../../contract/driver.ts';
import type { Finding, ProbeHost } from '../../contract/transport.ts';
import { type Options, registeringOf } from './options.ts';
import { familyOf, placeOf, sentByOf } from './place.ts';
import { usePort } from './ports.ts';
import { clockOffsetOf, newIdentity, RedirectedError, RefusedError, register } from './registration.ts';
import type { Endpoint } from './sip/endpoint.ts';
import type { Place } from './sip/transactions.ts';

/** Who is there answers within this: RFC 3261 sends a question again after 0.5, 1.5, 3.5 and 7.5 s. */
const PATIENCE_MS = 10_000;
const CONNECT_MS = 5000;
const GOODBYE_MS = 2000;
/** For so long it registers, s; nobody keeps it longer where the goodbye is lost. */
const EXPIRES_SECONDS = 60;

const bad = (en: string, zh: string): Finding => ({ is: 'bad', en, zh });
const note = (en: string, zh: string): Finding => ({ is: 'note', en, zh });

/** 2016, annex D.1: what digits 11 to 13 may be of a gateway, and of a platform: hosts of devices, and servers. */
const isHostType = (id: string) => /^.{10}(11\d|2\d\d)/.test(id);
const isServerType = (id: string) => /^.{10}2\d\d/.test(id);

function* idNotes({ deviceId, serverId }: Options): Generator<Finding> {
  const odd = (key: string, id: string, en: string, zh: string) =>
    note(
      `the digits 11 to 13 of \`${key}\` are ${id.slice(10, 13)}, where ${en}: compare it with the platform's letter`,
      `\`${key}\` 的第 11 至 13 位为 ${id.slice(10, 13)}，而${zh}：请与平台提供的编码核对`,
    );
  if (!isHostType(deviceId))
    yield odd('deviceId', deviceId, "a gateway's are 111, 118 or 2xx", '网关（主机）应为 111、118 或 2xx');
  if (!isServerType(serverId))
    yield odd('serverId', serverId, "a platform's are 200 or another 2xx", '平台应为 200 或其他 2xx');
}

/** Whether it takes connections. Never rejects. */
async function connects({ address, port }: Place, time: Clock): Promise<boolean> {
  const socket = connect({ host: address, port });
  socket.on('error', () => {});
  const patience = new AbortController();
  const late = time.wait(CONNECT_MS, patience.signal).then(() => false);
  const there = once(socket, 'connect').then(
    () => true,
    () => false,
  );
  const isThere = await Promise.race([there, late]);
  patience.abort();
  socket.destroy();
  return isThere;
}

/** What became of registering. */
function whyNot(error: unknown, { transport, address, port }: Place): Finding {
  if (error instanceof RedirectedError)
    return note(
      `it sends us on to ${error.to.host}:${error.to.port}, where the gateway goes: let the firewall pass that too`,
      `平台将注册重定向到 ${error.to.host}:${error.to.port}，网关会转到该处：请在防火墙中一并放行`,
    );
  if (!(error instanceof RefusedError))
    return bad(
      `no answer by ${transport} from ${address}:${port}: look at \`server\`, \`transport\`, the firewall, and whether the platform knows \`deviceId\` (some are silent to who they do not know)`,
      `${address}:${port} 未通过 ${transport} 应答：请检查 \`server\`、\`transport\`、防火墙，以及平台是否已登记 \`deviceId\`（有的平台对未登记的设备不应答）`,
    );
  const { why, said } = error;
  if (why === 'password')
    return bad(
      `it refuses the password, or the id that it is of (${said}); it was not tried again: some platforms take several tries for an attack. Look at passwordFile, \`username\` and \`deviceId\``,
      `平台拒绝了密码或其对应的编码（${said}）；未再重试，因为有的平台会将多次尝试视为攻击。请检查 passwordFile、\`username\` 和 \`deviceId\``,
    );
  if (why === 'proof')
    return bad(
      `it wants a proof of the password that is not known here (${said}): known are digests by MD5, SHA-256 and SM3`,
      `平台要求的密码验证方式不受支持（${said}）：支持 MD5、SHA-256 和 SM3 摘要`,
    );
  if (why === 'id')
    return bad(
      `it does not let this device id in (${said}): have \`deviceId\` added there, and look at \`serverId\` and \`domain\``,
      `平台不接受该设备编码（${said}）：请在平台上登记 \`deviceId\`，并核对 \`serverId\` 和 \`domain\``,
    );
  return bad(`it refuses to register us (${said})`, `平台拒绝注册（${said}）`);
}

async function registerOnce(
  own: Options,
  { endpoint, place, sentBy }: { endpoint: Endpoint; place: Place; sentBy: string },
  { clock: time, timeZone }: ProbeHost,
): Promise<Finding> {
  const remove = endpoint.add({
    isFrom: (address) => address === place.address,
    asked: ({ answer }) => answer({ status: 480, reason: 'Temporarily Unavailable' }),
    discarded() {},
  });
  const patience = new AbortController();
  const timer = time.after(PATIENCE_MS, () => patience.abort());
  try {
    const registration = await register({
      ...registeringOf(own),
      ...{ endpoint, place, sentBy, time, identity: newIdentity(), expiresSeconds: EXPIRES_SECONDS },
      ...{ keepaliveMs: own.keepalive, keepalive: () => Buffer.alloc(0), signal: patience.signal },
    });
    const found = clockFinding(clockOffsetOf(registration.date, timeZone));
    await registration.close(GOODBYE_MS, true);
    return found;
  } catch (error) {
    return whyNot(error, place);
  } finally {
    timer.stop();
    remove();
  }
}

/** Never rejects. */
export async function probe(own: Options, host: ProbeHost): Promise<readonly Finding[]> {
  const notes = [...idNotes(own)];
  const { server, port } = own;
  let place: Place;
  let sentBy: string;
  try {
    place = await placeOf(own);
    sentBy = await sentByOf(own, place);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const found = bad(
      `there is no way to ${server.host} (${code}): look at \`server\`, the DNS and this machine's addresses`,
      `无法到达 ${server.host}（${code}）：请检查 \`server\`、DNS 和本机地址`,
    );
    return [...notes, found];
  }
  const isTcpThere = await connects(place, host.clock);
  if (!isTcpThere && place.transport === 'TCP')
    return [
      ...notes,
      bad(
        `nothing takes connections at ${place.address}:${place.port} (TCP): look at \`server\` and the firewall`,
        `${place.address}:${place.port}（TCP）无法连接：请检查 \`server\` 和防火墙`,
      ),
    ];
  if (!isTcpThere)
    notes.push(
      note(
        `nothing takes connections at ${place.address}:${place.port} (TCP): what is over 1300 bytes goes by TCP and will not arrive`,
        `${place.address}:${place.port}（TCP）无法连接：超过 1300 字节的消息须经 TCP，将无法送达`,
      ),
    );
  try {
    const { endpoint, leave } = await usePort(port, host.clock, () => {}, familyOf(place));
    const found = await registerOnce(own, { endpoint, place, sentBy }, host);
    await leave();
    return [...notes, found];
  } catch (error) {
    if (!(error instanceof LineError)) throw error;
    const isTaken = error.code === 'E_PORT_TAKEN';
    const found = bad(
      isTaken
        ? `the SIP port ${port} is taken by another program: stop it, or give another \`port\``
        : error.message,
      isTaken ? `SIP 端口 ${port} 被其他程序占用：请停止该程序，或更换 \`port\`` : error.message,
    );
    return [...notes, found];
  }
}
