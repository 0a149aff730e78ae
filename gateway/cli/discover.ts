import { accessSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Config } from '../../config/schema.ts';
import { printable } from '../printable.ts';
import { type Command, configOrErrors, type Terminal, UsageError, untilStopped } from './command.ts';
import type { DiscoverOptions, Found, Way, Words } from './discover/found.ts';
import { hostPortOf, oneOf, timeOf, wholeOf } from './values.ts';

const NOTHING_FOUND = () =>
  say(
    `what to try:
  --interface NAME   where this machine has several: the one that the cameras are on
  --for 20s          some answer late
  at the camera: switch ONVIF on (Hikvision and others: off until then, with a user of its own), and its discovery mode
  the question is multicast (239.255.255.250, UDP 3702): it passes no router and few VLANs; a firewall must let answers in
  one whose address is known needs no discovery: write it as \`host\`, and \`check FILE --ask\` asks it
`,
    `可以尝试：
  --interface 名称   本机有多块网卡时，选摄像机所在的一块
  --for 20s          有的设备应答较慢
  在摄像机上：启用 ONVIF（海康等默认关闭，并需单独的 ONVIF 用户）及发现模式
  查询使用组播（239.255.255.250，UDP 3702）：不经过路由器，也很少跨 VLAN；防火墙须放行应答
  已知地址的设备无需发现：写入 \`host\`，再用 \`check FILE --ask\` 查询
`,
  );

const english = `campus-gateway discover [WHAT...] [--for 5s] [--json]

Looks for devices and prints each as a line of \`devices\` of the config, to be copied. Nothing is written to a device, and no
password is tried but the one that is given. What the config has already is left alone, whether the gateway runs or not.

  onvif    cameras and recorders that answer to WS-Discovery
  mdns     cameras that announce themselves (ONVIF, Axis, PSIA, RTSP)
  serial   serial ports, and readers that type: each is listened to first (show a card to each reader within the time), and
           where nobody talks asked for OSDP readers and Modbus units at the usual rates
  modbus   Modbus TCP, and RTU over TCP, where --net says
  knock    alarm panels, receivers and terminals that report to --listen, or to a gateway that runs, and are in no config
  default: onvif, mdns and serial; modbus with --net, knock with --listen

  --for TIME         how long answers, cards and knocks are waited for; default 5s, with knock 60s
  --interface NAME   of several network interfaces the one that the cameras are on
  --username NAME    with --password-file FILE: recorders are asked for their channels, each once
  --serial PATH      this port alone; may be repeated, as the next four
  --server H:P       a serial server (raw TCP), looked at as a serial port is
  --net RANGE        an address, a name, or a range such as 192.168.1.0/24 (at most /22)
  --tcp-port N       tried there instead of 502
  --listen N,N       ports that panels and terminals report to
  --units N          the last Modbus unit that is asked; default 16
  --config FILE      what is there already; default /etc/campus-gateway/campus.yaml where that is; none: nothing
  --json             a JSON object a line: kind, driver, address, device, words

  campus-gateway discover
  campus-gateway discover serial --serial /dev/ttyUSB0 --for 20s
  campus-gateway discover modbus --net 192.168.1.0/24
  campus-gateway discover knock --listen 5100,8090

Exit status 0 where something was found, else 1.`;
const chinese = `campus-gateway discover [WHAT...] [--for 5s] [--json]

查找设备，并将每台打印为配置中 \`devices\` 的一行，供复制。不向设备写入，除给出的密码外不尝试任何密码。配置中已有的不触碰，无论网关是否运行。

  onvif    应答 WS-Discovery 的摄像机和录像机
  mdns     自行通告的摄像机（ONVIF、Axis、PSIA、RTSP）
  serial   串口，以及自动输出卡号的读卡器：先监听每个串口（请在此期间在每个读卡器上刷卡），无输出的再以常用波特率询问 OSDP 读卡器和
           Modbus 设备
  modbus   Modbus TCP 及 RTU over TCP，在 --net 指定之处
  knock    向 --listen 或运行中的网关上报、而配置中没有的报警主机、接警机和终端
  默认：onvif、mdns 和 serial；有 --net 时加 modbus，有 --listen 时加 knock

  --for TIME         等待应答、刷卡和上报的时间；默认 5s，knock 为 60s
  --interface NAME   有多个网络接口时，摄像机所在的接口
  --username NAME    与 --password-file FILE 同用：询问录像机的通道，每台一次
  --serial PATH      只看此串口；可重复，以下四项亦然
  --server H:P       串口服务器（原始 TCP），与串口同样查找
  --net RANGE        地址、主机名或网段，如 192.168.1.0/24（最大 /22）
  --tcp-port N       代替 502 尝试
  --listen N,N       主机和终端上报的端口
  --units N          询问到的最后一个 Modbus 站号；默认 16
  --config FILE      已有设备的配置；默认 /etc/campus-gateway/campus.yaml（如存在）；none：无
  --json             每行一个 JSON 对象：kind、driver、address、device、words

  campus-gateway discover
  campus-gateway discover serial --serial /dev/ttyUSB0 --for 20s
  campus-gateway discover modbus --net 192.168.1.0/24
  campus-gateway discover knock --listen 5100,8090

找到设备时退出状态为 0，否则为 1。`;

const OPTIONS = {
  for: { type: 'string' },
  interface: { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  serial: { type: 'string', multiple: true },
  server: { type: 'string', multiple: true },
  net: { type: 'string', multiple: true },
  'tcp-port': { type: 'string', multiple: true },
  listen: { type: 'string', multiple: true },
  units: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const PACKAGED = '/etc/campus-gateway/campus.yaml';
const LAST_PORT = 65_535;
const LAST_UNIT = 247;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>['values'];

const portsOf = (option: string, given: readonly string[] | undefined) =>
  given?.flatMap((one) => one.split(',')).map((one) => wholeOf(option, one.trim(), 1, LAST_PORT));

/** Those that a question can leave by. */
const interfaces = (): readonly string[] =>
  Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
    all.some(({ family }) => family === 'IPv4') ? [name] : [],
  );

/** What is asked for, with what follows from the options. @throws UsageError. */
async function waysOf(
  words: readonly string[],
  values: Values,
  all: readonly Way[],
): Promise<readonly Way[]> {
  const strange = words.find((word) => !all.some((way) => way === word));
  if (strange !== undefined) throw (await import('./words.ts')).noSuchWord('discover', strange, all);
  const wanted = all.filter((way) => words.includes(way));
  const ofOptions: Way[] = [
    ...(values.serial !== undefined || values.server !== undefined ? (['serial'] as const) : []),
    ...(values.net !== undefined ? (['modbus'] as const) : []),
    ...(values.listen !== undefined ? (['knock'] as const) : []),
  ];
  const ways = [...wanted, ...ofOptions];
  if (wanted.includes('modbus') && values.net === undefined)
    throw new UsageError(
      say('modbus: say where, by --net 192.168.1.0/24', 'modbus：请用 --net 192.168.1.0/24 指定范围'),
    );
  return ways.length > 0 ? [...new Set(ways)] : ['onvif', 'mdns', 'serial'];
}

/** What is there already. undefined: the config is wrong, which was said. */
async function configOf(
  given: string | undefined,
  terminal: Terminal,
): Promise<{ config?: Config } | undefined> {
  if (given === 'none') return {};
  if (given === undefined) {
    try {
      accessSync(PACKAGED);
    } catch (error) {
      // A folder that is closed to who asks: what the gateway has open is then not known beforehand.
      if ((error as NodeJS.ErrnoException).code === 'EACCES')
        terminal.stderr.write(
          say(
            `${PACKAGED} cannot be read, so what the gateway has is not known: use sudo\n`,
            `无法读取 ${PACKAGED}，不知道网关已用哪些线路：请用 sudo\n`,
          ),
        );
      return {};
    }
  }
  const config = await configOrErrors(given ?? PACKAGED, terminal);
  if (config !== undefined) return { config };
  terminal.stderr.write(say('mend it, or say --config none\n', '请先改正，或使用 --config none\n'));
  return undefined;
}

/** @throws UsageError. */
async function optionsOf(
  positionals: readonly string[],
  values: Values,
): Promise<Omit<DiscoverOptions, 'config' | 'clock' | 'signal'>> {
  const [{ ways: all }, { hostsOf }] = await Promise.all([
    import('./discover/found.ts'),
    import('./discover/net.ts'),
  ]);
  const ways = await waysOf(positionals, values, all);
  const { username, 'password-file': passwordFile } = values;
  if ((username === undefined) !== (passwordFile === undefined))
    throw new UsageError(
      say('--username and --password-file go together', '--username 与 --password-file 须同时使用'),
    );
  hostsOf(values.net ?? []);
  return {
    ways,
    forMs: timeOf('for', values.for ?? (ways.includes('knock') ? '60s' : '5s'), '100ms', '1h'),
    interface:
      values.interface === undefined ? undefined : oneOf('interface', values.interface, interfaces()),
    ports: values.serial ?? (values.server === undefined ? undefined : []),
    serialServers: values.server?.map((one) => hostPortOf('server', one)),
    nets: values.net,
    tcpPorts: portsOf('tcp-port', values['tcp-port']),
    listen: portsOf('listen', values.listen),
    lastUnit: values.units === undefined ? undefined : wholeOf('units', values.units, 1, LAST_UNIT),
    login: username === undefined || passwordFile === undefined ? undefined : { username, passwordFile },
  };
}

/** Without ports to listen at, only a gateway that runs can say who knocked: for nothing nobody is to wait. @throws UsageError. */
async function needKnocks(
  { ways, listen }: Pick<DiscoverOptions, 'ways' | 'listen'>,
  config: Config | undefined,
  { clock }: Terminal,
): Promise<void> {
  if (!ways.includes('knock') || listen !== undefined) return;
  const { askGateway } = await import('./health/ask.ts');
  if (config !== undefined && (await askGateway(config, clock)) !== undefined) return;
  throw new UsageError(
    say(
      'knock: no gateway runs that could be asked; say where to listen, by --listen 5100',
      'knock：没有运行中的网关可询问；请用 --listen 5100 指定监听端口',
    ),
  );
}

export const discover: Command = {
  name: 'discover',
  summary: [
    'Find devices: cameras, readers, Modbus, panels that knock',
    '查找设备：摄像机、读卡器、Modbus、上报的主机和终端',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    const { stdout, stderr, clock } = terminal;
    const options = await optionsOf(positionals, values);
    const known = await configOf(values.config, terminal);
    if (known === undefined) return 1;
    await needKnocks(options, known.config, terminal);
    // Loaded by who looks.
    const [{ discoverAll }, { yamlLineOf }, { progressBar }] = await Promise.all([
      import('./discover/all.ts'),
      import('./discover/found.ts'),
      import('./discover/bar.ts'),
    ]);
    const bar = progressBar(terminal);
    const line = (words: Words) => printable(say(words.en, words.zh));
    const lineOf = (one: Found) =>
      values.json ? JSON.stringify(one) : `${printable(yamlLineOf(one))} # ${line(one.words)}`;
    const stop = new AbortController();
    void untilStopped(terminal).then(() => stop.abort());
    const from = clock.elapsed();
    const found = await discoverAll(
      { ...options, ...known, clock, signal: stop.signal },
      {
        found(one) {
          bar.clear();
          stdout.write(`${lineOf(one)}\n`);
        },
        progress: bar.progress,
        note(words) {
          bar.clear();
          stderr.write(`${line(words)}\n`);
        },
      },
    );
    bar.clear();
    const seconds = Math.round((clock.elapsed() - from) / 100) / 10;
    stderr.write(
      say(`${found.length} devices found in ${seconds} s\n`, `${seconds} 秒内找到 ${found.length} 台设备\n`),
    );
    if (found.length === 0 && options.ways.includes('onvif')) stderr.write(NOTHING_FOUND());
    return found.length > 0 ? 0 : 1;
  },
};
