/** The point list: out of a config and into it, as files of a spreadsheet. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import writeXlsx from 'write-excel-file/node';
import { parse } from 'yaml';
import { speak } from '../../config/language.ts';
import { temporaryDirectory } from '../helpers.ts';
import { run } from './terminal.ts';

const CONFIG = `# 一中
campus: { id: "4503000001", name: 一中 }
devices:
  - id: panels
    driver: dc09
    listen: { port: 5100 } # the line of the receiver
    accounts:
      - account: "0012"
        supervision: 60s
        zones:
          - { zone: 1, id: north, kind: perimeter, name: 北围墙 } # by the gate
  - id: beams
    driver: modbus
    connection: { serialServer: "10.0.0.9:4001" }
    unit: 2
    profile: io-8zone
    zones: [{ zone: 1, kind: perimeter }, { zone: 2 }, { zone: 8, kind: panic, name: "+1 楼" }]
  - { id: yard, driver: onvif, host: 10.0.0.41, port: 8080 }
areas:
  - { id: wall, name: 围墙, cameras: [yard], zones: [{ device: panels, zone: 1 }, { device: beams, zone: 1, type: delayed }] }
  - id: block
    zones:
      - { device: beams, zone: 8, type: panic }
      - { device: beams, zone: 2 }
`;

async function inChinese(run: () => Promise<void>): Promise<void> {
  speak('zh');
  try {
    await run();
  } finally {
    speak('en');
  }
}

function campus(text = CONFIG) {
  const folder = temporaryDirectory();
  const file = join(folder, 'c.yaml');
  writeFileSync(file, text, { mode: 0o640 });
  const put = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  return { file, put, at: (name: string) => join(folder, name), text: () => readFileSync(file, 'utf8') };
}

describe('points export', () => {
  it('comes back without a change, whatever a spreadsheet saves it as, in the other language too', async () => {
    const { file, put, at, text } = campus();
    expect(await run('points', 'export', file, '--csv', at('p.csv'))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('8 rows'),
    });
    expect(statSync(at('p.csv')).mode & 0o777).toBe(0o600);
    const csv = readFileSync(at('p.csv'), 'utf8');
    expect(csv).toMatch(/^\ufefftype,device,.*\r\n/);
    // A name that a spreadsheet would compute.
    expect(csv).toContain(",'+1 楼,");
    await inChinese(async () => {
      await run('points', 'export', file, '--csv', at('z.csv'));
      await run('points', 'export', file, '--xlsx', at('z.xlsx'));
    });
    const chinese = readFileSync(at('z.csv'), 'utf8');
    expect(chinese).toContain('防区,panels,,,,,0012,1,north,北围墙,周界,围墙,即时,,');
    const lists = [
      at('p.csv'),
      at('z.xlsx'),
      put('gb.csv', iconv.encode(chinese.slice(1), 'gb18030')),
      put('bare.csv', chinese.slice(1).replaceAll('\r\n', '\n')),
      put('tabs.txt', iconv.encode(chinese.replaceAll(',,', '\t\t').replaceAll(',', '\t'), 'utf16le')),
    ];
    for (const list of lists) {
      const said = await run('points', 'import', list, file);
      expect(said, list).toMatchObject({ status: 0, stdout: 'nothing changes\n', stderr: '' });
    }
    expect(text()).toBe(CONFIG);
    expect(await run('points', 'export', file, '--csv', at('p.csv'))).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('is there already'),
    });
  });
});

it('points import changes what differs and adds what is new, where it stands, and shows it; a dry run shows it only', async () => {
  const { file, put, text } = campus();
  const list = put(
    'p.csv',
    `类型,设备编号,驱动,IP地址,账号,防区号,点位编号,名称,报警类型,区域,布防方式,安装位置,其他参数
设备,panels,,,,,,报警主机,,,,值班室,
防区,panels,,,0012,1,,北围墙东段,,,延时,-,
防区,panels,,,0012,2,lab,实验室,紧急求助,实验楼,24小时,三楼,
防区,beams,,,,8,,,,围墙,,,
摄像机,yard,,10.0.0.42,,,,操场,,-,,,
摄像机,hall,,10.0.0.43,,,,走廊,,围墙；block,,,source: VS_2
读卡器,gate,wiegand,/dev/ttyUSB1 9600,,,,校门,,,,校门,format: rdm6300
`,
  );
  const trial = await run('points', 'import', list, file, '--dry-run');
  expect(trial).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('a dry run') });
  expect(text()).toBe(CONFIG);
  const said = await run('points', 'import', list, file);
  expect(said).toMatchObject({ status: 0, stderr: '' });
  expect(said.stdout).toContain(
    'not in the list, left as they are (--remove takes them out): beams 1, beams 2\n',
  );
  expect(said.stdout).toContain(
    '- ' + '          - { zone: 1, id: north, kind: perimeter, name: 北围墙 } # by the gate',
  );
  expect(text()).toBe(`# 一中
campus: { id: "4503000001", name: 一中 }
devices:
  - id: panels
    driver: dc09
    listen: { port: 5100 } # the line of the receiver
    accounts:
      - account: "0012"
        supervision: 60s
        zones:
          - { zone: 1, id: north, kind: perimeter, name: 北围墙东段 } # by the gate
          - { zone: 2, id: lab, name: 实验室, place: 三楼, kind: panic }
    name: 报警主机
    place: 值班室
  - id: beams
    driver: modbus
    connection: { serialServer: "10.0.0.9:4001" }
    unit: 2
    profile: io-8zone
    zones: [{ zone: 1, kind: perimeter }, { zone: 2 }, { zone: 8, kind: panic, name: "+1 楼" }]
  - { id: yard, driver: onvif, host: 10.0.0.42, name: 操场 }
  - { id: hall, driver: onvif, name: 走廊, host: 10.0.0.43, source: VS_2 }
  - id: gate
    driver: wiegand
    name: 校门
    place: 校门
    connection: { serial: /dev/ttyUSB1, baudRate: 9600 }
    format: rdm6300
areas:
  - { id: wall, name: 围墙, cameras: [hall], zones: [{ device: panels, zone: 1, type: delayed }, { device: beams, zone: 1, type: delayed }, { device: beams, zone: 8, type: panic }] }
  - id: block
    zones:
      - { device: beams, zone: 2 }
    cameras: [hall]
  - { id: 实验楼, zones: [{ device: panels, account: "0012", zone: 2, type: 24-hour }] }
`);
});

describe('points import', () => {
  it('says of an area that it makes that nothing arms it, and nothing of one that was there', async () => {
    const { file, put } = campus();
    const list = put('a.csv', 'device,zone,kind,area\nbeams,3,perimeter,实验楼\nbeams,4,perimeter,block\n');
    const said = await run('points', 'import', list, file);
    expect(said.status).toBe(0);
    const told = said.stdout.split('\n').filter((line) => line.startsWith('!'));
    expect(told).toEqual([expect.stringMatching(/^! a new area: nothing arms 实验楼: .* \(beams 3\)/)]);
    await inChinese(async () => {
      const other = put('b.csv', 'device,zone,kind,area\nbeams,5,perimeter,操场\n');
      expect((await run('points', 'import', other, file)).stdout).toContain('! 新区域：操场 不会自动布防');
    });
  });

  it('tells all that is wrong by row and column, in the words of the reader, and changes nothing', async () => {
    const { file, put, at, text } = campus();
    const table = [
      ['类型', '设备编号', '驱动', '防区号', '报警类型', '区域', '点位编号'],
      ['防区', 'beams', null, 'x', '', '', ''],
      ['防区', 'beam', null, 3, '', '', ''],
      ['防区', 'beams', null, 1, '盗窃', '', ''],
      ['防区', 'beams', null, 1, '', '', ''],
      ['设备', 'new', 'modbuss', null, '', '', ''],
      ['防区', 'yard', null, 1, '', '', ''],
      ['设备', 'beams', 'onvif', null, '', '', ''],
      ['防区', 'beams', null, 8, '', 'a b', ''],
    ];
    writeFileSync(at('p.xlsx'), await writeXlsx(table).toBuffer());
    const said = await run('points', 'import', at('p.xlsx'), file);
    expect(said.status).toBe(1);
    expect(said.stderr.split('\n').map((line) => line.replace(`${at('p.xlsx')}: `, ''))).toEqual([
      'row 2, column D (zone): "x": a whole number is needed',
      'row 3, column B (device): there is no device beam; did you mean beams?: give it a row of its own',
      expect.stringMatching(/^row 4, column E \(kind\): "盗窃" is not known; there are: panic, /),
      'row 5, column B (device): stands in row 4 already',
      expect.stringMatching(/^row 6, column C \(driver\): there is no driver modbuss; did you mean modbus\?/),
      'row 7, column B (device): devices of the driver onvif have no zones',
      'row 8, column C (driver): beams has the driver modbus: give another kind of device another id',
      expect.stringMatching(/^row 9, column F \(area\): "a b" can be no new area/),
      'nothing was changed',
      '',
    ]);
    // What only the check of the whole config sees is told by its cell too.
    const list = put('q.csv', 'device,zone,id,options\nbeams,1,a b,\nbeams,8,,"colour: red"\n');
    const checked = await run('points', 'import', list, file);
    expect(checked.stderr).toContain('row 2, column C (id): devices[1].zones[0].id: ');
    expect(checked.stderr).toContain('row 3, column D (options): devices[1].zones[2].colour: unknown key');
    const missing = put('m.csv', 'device,driver,address,name\ncam,onvif,,Hall\n');
    expect((await run('points', 'import', missing, file)).stderr).toMatch(
      /row 2.*devices\[3\]\.host: missing/,
    );
    await inChinese(async () => {
      const none = await run(
        'points',
        'import',
        put('z.csv', iconv.encode('设备名,防区\nx,1\n', 'gb18030')),
        file,
      );
      expect(none).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(
          '第 1 行 A 列：“设备名”不是点位表的列（是不是 名称？）；否则请删除 A 列，或改为下列名称之一：类型、',
        ),
      });
    });
    expect(
      await run('points', 'import', put('b.csv', Buffer.from('device\n\xff\xff\n', 'latin1')), file),
    ).toMatchObject({ status: 3, stderr: expect.stringContaining('neither UTF-8 nor GB18030') });
    expect(await run('points', 'import', put('b.xlsx', 'PK\x03\x04 torn'), file)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('cannot be read as XLSX'),
    });
    expect(text()).toBe(CONFIG);
  });

  it('takes out what the list has not, where it is told to, and refuses where a rule still needs it', async () => {
    const { file, put, text } = campus();
    const list = put('p.csv', 'device,zone,account\npanels,1,0012\npanels,,\nbeams,1,\nbeams,,\n');
    // The area of zone 8 would be empty.
    expect(await run('points', 'import', list, file, '--remove')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /areas\[1\]\.zones: .*\n.*nothing was changed|nothing was changed\n.*areas\[1\]\.zones/,
      ),
    });
    writeFileSync(file, CONFIG.replace(/ {2}- id: block[\s\S]*/, ''), { mode: 0o640 });
    expect(await run('points', 'import', list, file, '--remove')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('taken out: beams 2, beams 8, yard\n'),
    });
    const { devices, areas } = parse(text());
    expect(devices.map(({ id }: { id: string }) => id)).toEqual(['panels', 'beams']);
    expect(devices[1].zones).toEqual([{ zone: 1, kind: 'perimeter' }]);
    expect(areas).toEqual([
      {
        id: 'wall',
        name: '围墙',
        cameras: [],
        zones: [
          { device: 'panels', zone: 1 },
          { device: 'beams', zone: 1, type: 'delayed' },
        ],
      },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });
});

describe('points import reads a list as integrators exchange it', () => {
  const BEAM = ['防区', 'beams', '1', '东墙'];
  const HEADS = ['类型', '设备编号', '防区号', '名称'];
  const csvOf = (rows: readonly (readonly string[])[], by = ',') =>
    `${rows.map((row) => row.join(by)).join('\r\n')}\r\n`;
  const taken = 'zone: 1, kind: perimeter, name: 东墙';

  it.each([
    ['a title', csvOf([['第一中学点位表'], HEADS, BEAM])],
    ['a title in merged cells', csvOf([['第一中学点位表', '', '', ''], HEADS, BEAM])],
    ['a title with commas, a list with tabs', csvOf([['一中，点位表,2026,v3'], HEADS, BEAM], '\t')],
    ['a title of two lines', csvOf([['"第一中学\n点位表"'], HEADS, BEAM], ';')],
    ['blank lines', `\n\n${csvOf([HEADS, BEAM])}`],
    ['headings of groups', csvOf([['', '设备', '防区', ''], HEADS, BEAM])],
    ['name and address of the school', csvOf([['名称', '一中', '地址', '某路 1 号'], HEADS, BEAM])],
  ])('below %s', async (_, list) => {
    const { file, put, text } = campus();
    const bytes = iconv.encode(list, 'gb18030');
    expect(await run('points', 'import', put('p.csv', bytes), file)).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(text()).toContain(taken);
  });

  it('with running numbers and remarks, which it passes over, and says so', async () => {
    const { file, put, text } = campus();
    const rows = [['一中'], ['序号', ...HEADS, '备注', '', 'Remarks'], ['7', ...BEAM, '已验收', 'x', '']];
    const list = put('p.csv', csvOf(rows));
    const said = await run('points', 'import', list, file);
    expect(said).toMatchObject({ status: 0, stderr: '' });
    expect(said.stdout).toContain(
      `${list}: these columns are passed over: A (序号), F (备注), G (no heading), H (Remarks)\n`,
    );
    expect(text()).toBe(CONFIG.replace('zone: 1, kind: perimeter }, { zone: 2', `${taken} }, { zone: 2`));
    await inChinese(async () =>
      expect((await run('points', 'import', list, file)).stdout).toContain('以下列不导入：A (序号)、'),
    );
  });

  it('behind a cover in another sheet, which it names, with rows and columns as they stand there', async () => {
    const { file, at, text } = campus();
    const title = [{ value: '第一中学点位表', columnSpan: 4 }, null, null, null];
    const book = async (...rows: string[][]) => {
      const cover = { sheet: '封面', data: [['第一中学'], ['编制', '张三']] };
      const sheet = { sheet: '点位', data: [[], title, [], ['序号', ...HEADS], ...rows] };
      writeFileSync(at('p.xlsx'), await writeXlsx([cover, sheet]).toBuffer());
      return await run('points', 'import', at('p.xlsx'), file);
    };
    expect(await book(['1', '防区', 'beams', 'x', ''])).toEqual({
      status: 1,
      stdout: `${at('p.xlsx')}: the sheet "点位" is read\n${at('p.xlsx')}: these columns are passed over: A (序号)\n`,
      stderr: `${at('p.xlsx')}: row 5, column D (zone): "x": a whole number is needed\nnothing was changed\n`,
    });
    expect(await book(['1', ...BEAM])).toMatchObject({ status: 0, stderr: '' });
    expect(text()).toContain(taken);
    // What only the check of the whole config sees.
    const list = csvOf([['一中'], [], ['device', 'zone', 'id'], ['beams', '1', 'a b']]);
    writeFileSync(at('q.csv'), list);
    expect((await run('points', 'import', at('q.csv'), file)).stderr).toContain('row 4, column C (id): ');
  });

  it('but with no column that it does not know: it says which, what to do, and what is meant where that is near', async () => {
    const { file, put, text } = campus();
    const rows = [['一中'], [...HEADS, '楼层', '站牌', 'adress'], [...BEAM, '3', '4', '5']];
    const list = put('p.csv', csvOf(rows));
    const { status, stderr } = await run('points', 'import', list, file);
    const told = stderr.split('\n').map((line) => line.replace(`${list}: `, '').replace(/: type, .*/, ''));
    expect([status, ...told]).toEqual([
      1,
      'row 2, column E: "楼层" is no column of a point list; remove column E, or name it as one of',
      'row 2, column F: "站牌" is no column of a point list; remove column F, or name it as one of',
      'row 2, column G: "adress" is no column of a point list; did you mean address?; otherwise remove column G, or name it as one of',
      'nothing was changed',
      '',
    ]);
    const headless = put('h.csv', csvOf([['一中'], ['防区号', '名称'], ['1', '东墙']]));
    expect((await run('points', 'import', headless, file)).stderr).toContain(
      'row 2: there is no heading "device"',
    );
    expect(text()).toBe(CONFIG);
  });
});

describe('points replace', () => {
  it('puts other hardware under an id; what makes it another device, and secrets, are refused', async () => {
    const { file, text } = campus();
    expect(
      await run('points', 'replace', file, 'yard', 'address=10.0.0.57', 'name=操场新', 'tls.insecure=true'),
    ).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('yard keeps its id'),
    });
    expect(text()).toContain(
      '  - { id: yard, driver: onvif, host: 10.0.0.57, name: 操场新, tls: { insecure: true } }\n',
    );
    expect(
      await run('points', 'replace', file, 'beams', 'connection.serialServer=10.0.0.9:4002', 'unit=7'),
    ).toMatchObject({ status: 0 });
    expect(text()).toContain('connection: { serialServer: 10.0.0.9:4002 }\n    unit: 7\n');
    for (const [change, why] of [
      ['driver=dc09', 'another driver or id is another device'],
      ['password=x', 'does not stand on a command line'],
      ['hots=10.0.0.1', 'did you mean host?'],
    ] as const)
      expect(await run('points', 'replace', file, 'yard', change)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(why),
      });
    const before = text();
    expect(await run('points', 'replace', file, 'yard', 'host=a b')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is as it was'),
    });
    expect(await run('points', 'replace', file, 'yrad', 'host=x')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean yard?'),
    });
    expect(text()).toBe(before);
  });
});

describe('a list as the trade writes it', () => {
  const imported = async (rows: readonly (readonly string[])[], text?: string) => {
    const one = campus(text);
    const list = one.put('l.csv', rows.map((row) => row.join(',')).join('\n'));
    const said = await run('points', 'import', list, one.file);
    return { ...one, ...said, told: said.stderr.split('\n').map((line) => line.replace(`${list}: `, '')) };
  };

  it.each([
    ...['一键报警', '紧急报警', '紧急按钮', '一键求助', '紧急求助', 'panic'].map((word) => [word, 'panic']),
    ...['周界报警', '红外对射', '周界'].map((word) => [word, 'perimeter']),
    ...['电子围栏', '脉冲围栏'].map((word) => [word, 'fence']),
    ...['入侵报警', '被动红外'].map((word) => [word, 'intrusion']),
    ...['烟感', '火灾报警', 'smoke detector'].map((word) => [word, 'fire']),
    ...[
      ['燃气报警', 'gas'],
      ['水浸', 'water'],
      ['门磁', 'contact'],
      ['出门开关', 'exit-request'],
    ],
  ])('%s is the kind %s', async (word, kind) => {
    const { status, text } = await imported([
      ['设备编号', '防区号', '报警类型'],
      ['beams', '2', word],
    ]);
    expect(status).toBe(0);
    expect(parse(text()).devices[1].zones[1].kind).toBe(kind);
  });

  it('whose account is not in the config is told at the account, with what is meant', async () => {
    const heads = ['device', 'driver', 'address', 'zone', 'account'];
    expect((await imported([heads, ['panels', '', '', '2', '12']])).told[0]).toMatch(
      /^row 2, column E \(account\): panels has no account 12; did you mean 0012\?; it has: 0012; a panel that is new/,
    );
    const fresh = [heads, ['host', 'dc09', '0.0.0.0:5101', '', '']];
    expect((await imported([...fresh, ['host', '', '', '2', '7']])).told[0]).toMatch(
      /^row 3, column E \(account\): host has no panel yet: .*row of its own \(type panel, device host, account 7\)/,
    );
    expect((await imported(fresh)).told[0]).toMatch(
      /^row 2, column A \(device\): host is new: each of its panels needs a row, too/,
    );
  });

  it('with a device that is typed wrongly asks whether another is meant', async () => {
    const { told } = await imported([
      ['device', 'name'],
      ['beam', '东墙'],
    ]);
    expect(told[0]).toContain('there is no device beam; did you mean beams?; where it is new: which driver?');
  });

  it('says which two headings are of one column', async () => {
    await inChinese(async () => {
      const { stderr } = await imported([
        ['设备编号', '名称', '防区号', '设备名称'],
        ['beams', 'a', '1', 'b'],
      ]);
      expect(stderr).toContain('B 列“名称”与 D 列“设备名称”都是“名称”：请删除其一');
    });
  });
});
