/** What an installer is asked: the campus, its platforms, its hardware. Each answer is looked at when it is given. */
import { say, speak } from '../../../config/language.ts';
import { campus } from '../../../config/sections/campus.ts';
import type { CampusField } from '../../../drivers/contract/campus.ts';
import { addressRange, hostPort } from '../../../drivers/contract/options.ts';
import type { Found } from '../discover/found.ts';
import type { Answers, Discovery } from './answers.ts';
import type { Asker } from './ask.ts';
import { askByHand, type Hardware } from './hardware.ts';
import { by, fullWidth, orEmpty, unusedId } from './wrong.ts';

type Thing = Answers['devices'][number];

const digits20 = fullWidth(/^\d{20}$/, '20 digits', '20 位数字');
const broker = fullWidth(
  /^(mqtts?|wss?):\/\/[^\s/@]+/,
  'such as mqtts://police.example:8883, without user',
  '如 mqtts://police.example:8883，不含用户名',
);

/** What is found is asked for: the devices, and the names of files that they need. */
export type Discover = (how: Discovery) => Promise<readonly Found[]>;

export async function askLanguage(asker: Asker): Promise<void> {
  const usual = say('en', 'zh') as 'en' | 'zh';
  speak(
    await asker.choose(
      'Language / 语言',
      [
        ['en', 'English'],
        ['zh', '中文'],
      ],
      usual,
    ),
  );
}

export async function askAll(
  asker: Asker,
  usual: { readonly dataDir: string },
  discover: Discover,
): Promise<Answers> {
  const school = await askSchool(asker);
  const dataDir = await asker.ask(
    say('Folder of the records, on a disk that lasts', '记录存放目录（可靠的磁盘）'),
    usual.dataDir,
  );
  const platforms = await askPlatforms(asker, school);
  const { devices, shows } = await askDevices(asker, discover);
  const secrets = await askSecrets(asker, devices);
  const isOpen = await asker.confirm(
    say(
      'Shall the console be reached from other machines (https, self-signed)?',
      '控制台是否允许其他电脑访问（https，自签名证书）？',
    ),
    false,
  );
  return {
    ...{ campus: school, dataDir, platforms, devices, secrets, discover: false },
    ...(shows.length > 0 && { notices: { show: shows } }),
    ...(isOpen && { console: { host: '0.0.0.0', port: 9480, tls: 'self-signed' } }),
  };
}

async function askSchool(asker: Asker): Promise<Answers['campus']> {
  const { shape } = campus;
  const id = await asker.ask(
    say('Number of the campus with the platforms', '校园编号（平台分配）'),
    undefined,
    by(shape.id),
  );
  const name = await asker.ask(say('Name of the school', '学校名称'), undefined, by(shape.name));
  const district = await asker.ask(
    say('Code of its district, such as 450305 (empty: none)', '行政区划代码，如 450305（可空）'),
    '',
    orEmpty(by(shape.district)),
  );
  const address = await asker.ask(
    say('Its address (empty: none)', '学校地址（可空）'),
    '',
    orEmpty(by(shape.address)),
  );
  return { id, name, ...(district !== '' && { district }), ...(address !== '' && { address }) };
}

/** What it may know of the school: what was said, where it has a word for it. */
async function askWhatLeaves(
  asker: Asker,
  kind: string,
  { district, address }: Answers['campus'],
): Promise<{ readonly campus?: readonly CampusField[] }> {
  const fields: CampusField[] = [
    ...(district === undefined ? [] : (['district'] as const)),
    ...(address === undefined ? [] : (['address'] as const)),
  ];
  if (fields.length === 0 || kind === 'gat1400') return {};
  const isTold = await asker.confirm(
    say('May it know the district and the address of the school?', '是否向该平台提供学校的区划和地址？'),
    true,
  );
  return isTold ? { campus: fields } : {};
}

async function askPlatforms(asker: Asker, school: Answers['campus']): Promise<Thing[]> {
  const platforms: Thing[] = [];
  for (;;) {
    const kind = await asker.choose(
      platforms.length === 0
        ? say('A platform that gets events', '接收事件的平台')
        : say('One more platform', '还有平台'),
      [
        ['mqtt', 'MQTT'],
        ['gb28181', 'GB/T 28181'],
        ['gat1400', 'GA/T 1400'],
        ['none', platforms.length === 0 ? say('none yet', '暂无') : say('no more', '没有了')],
      ],
      platforms.length === 0 ? 'mqtt' : 'none',
    );
    if (kind === 'none') return platforms;
    const id = await asker.ask(
      say('Short name', '简称'),
      platforms.length === 0 ? 'police' : undefined,
      unusedId(platforms),
    );
    const platform = await askPlatform(asker, kind, id);
    platforms.push({ ...platform, ...(await askWhatLeaves(asker, kind, school)) });
  }
}

async function askPlatform(asker: Asker, kind: 'mqtt' | 'gb28181' | 'gat1400', id: string): Promise<Thing> {
  const secret = () => asker.askSecret(say('Password (not shown)', '密码（不显示）'));
  if (kind === 'mqtt') {
    const url = await asker.ask(say('Address', '地址'), undefined, broker);
    const username = await asker.ask(say('User (empty: none)', '用户名（可空）'), '');
    const login = username === '' ? {} : { username, password: await secret() };
    const receipts = await asker.confirm(
      say('Does it answer with receipts (docs/platform.md)?', '平台是否返回回执（docs/platform.md）？'),
      false,
    );
    return { id, url, ...login, ...(receipts && { receipts }) };
  }
  if (kind === 'gb28181') {
    const server = await asker.ask(
      say('SIP server, HOST:PORT', 'SIP 服务器，主机:端口'),
      undefined,
      by(hostPort()),
    );
    const serverId = await asker.ask(
      say('Id of the platform, 20 digits', '平台编码（20 位）'),
      undefined,
      digits20,
    );
    const deviceId = await asker.ask(
      say('Id of this gateway, 20 digits', '本网关编码（20 位）'),
      undefined,
      digits20,
    );
    return { id, protocol: kind, server, serverId, deviceId, password: await secret() };
  }
  const url = await asker.ask(
    say('Address of the view library', '视图库地址'),
    undefined,
    fullWidth(/^https?:\/\/[^\s/@?#]+\/?$/, 'such as https://10.0.0.9:8120', '如 https://10.0.0.9:8120'),
  );
  const deviceId = await asker.ask(
    say('Id of this gateway, 20 digits', '本网关编码（20 位）'),
    undefined,
    digits20,
  );
  return { id, protocol: kind, url, deviceId, password: await secret(), pictures: true };
}

async function askDevices(asker: Asker, discover: Discover): Promise<Hardware> {
  const devices: Thing[] = [];
  if (
    await asker.confirm(
      say('Look for devices on the network and on serial ports?', '是否在网络和串口上查找设备？'),
      true,
    )
  ) {
    const { everyWay } = await import('./answers.ts');
    const nets = await asker.ask(
      say(
        'Where Modbus devices may be, such as 192.168.1.0/24 (empty: not looked for on the network)',
        'Modbus 设备所在网段，如 192.168.1.0/24（空：不在网络上查找）',
      ),
      '',
      (answer) =>
        answer
          .split(/[,，\s]+/)
          .filter(Boolean)
          .map(by(addressRange()))
          .find((wrong) => wrong !== undefined),
    );
    const found = await discover({ ...everyWay, nets: nets.split(/[,，\s]+/).filter(Boolean) });
    devices.push(...(await pick(asker, found)));
  }
  const byHand = await askByHand(asker, devices);
  return { devices: [...devices, ...byHand.devices], shows: byHand.shows };
}

/** Those of the finds that are meant. Two of one name: the later one gets a number. */
async function pick(asker: Asker, found: readonly Found[]): Promise<Thing[]> {
  if (found.length === 0) {
    asker.tell(say('  nothing answered', '  没有设备应答'));
    return [];
  }
  for (const [i, { device, words }] of found.entries())
    asker.tell(
      `  ${i + 1}  ${String(device['id'])} (${String(device['driver'])}): ${say(words.en, words.zh)}`,
    );
  const said = await asker.ask(
    say(
      'Which of them? all, none, or numbers such as 1,3-5',
      '选用哪些？all 全部、none 不用，或序号如 1,3-5',
    ),
    'all',
    (answer) =>
      numbersOf(answer, found.length) === undefined
        ? say('all, none, or numbers', 'all、none 或序号')
        : undefined,
  );
  const chosen = (numbersOf(said, found.length) ?? []).flatMap((n) => found[n - 1] ?? []);
  return withOwnIds(chosen);
}

export function withOwnIds(found: readonly Found[]): Thing[] {
  const used = new Set<string>();
  return found.map(({ device }) => {
    const id = String(device['id']);
    let own = id;
    for (let n = 2; used.has(own); n++) own = `${id}-${n}`;
    used.add(own);
    return { ...device, id: own };
  });
}

/** `1,3-5` -> 1, 3, 4, 5. undefined: no such list. */
export function numbersOf(text: string, most: number): readonly number[] | undefined {
  const all = Array.from({ length: most }, (_, i) => i + 1);
  if (/^(all|全部)$/i.test(text)) return all;
  if (/^(none|不用)$/i.test(text)) return [];
  const parts = text.split(/[,，、\s]+/).map((part) => /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part));
  if (parts.some((part) => part === null)) return undefined;
  const chosen = new Set(
    parts.flatMap((part) => all.filter((n) => n >= Number(part?.[1]) && n <= Number(part?.[2] ?? part?.[1]))),
  );
  return [...chosen];
}

/** What files of secrets hold, each once. */
async function askSecrets(asker: Asker, devices: readonly Thing[]): Promise<Record<string, string>> {
  const files = new Map<string, string[]>();
  for (const device of devices) {
    const file = /^secrets\/(.+)$/.exec(String(device['passwordFile'] ?? ''))?.[1];
    if (file !== undefined) files.set(file, [...(files.get(file) ?? []), device.id]);
  }
  const secrets: Record<string, string> = {};
  for (const [file, of] of files)
    secrets[file] = await asker.askSecret(
      say(
        `Password of ${of.join(', ')} (not shown; not known yet: type anything, and put it into secrets/${file} later)`,
        `${of.join('、')} 的密码（不显示；尚不知道时可随意输入，之后写入 secrets/${file}）`,
      ),
    );
  return secrets;
}
