/**
 * The installer's hour, from the package to the report as PDF, on a machine of its own: what day-one.md tells to type, on
 * devices that are simulated over their real protocols. `npm run test:long -- hour`; its steps are timed and printed.
 */
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../helpers.ts';
import { type OtherMachine, otherMachine } from './other-machine.ts';
import { makePackages } from './packages.ts';
import { layStandIn } from './stand-in.ts';
import { need, until } from './tools.ts';

const CONFIG = '/etc/campus-gateway/campus.yaml';

const ANSWERS = `campus: { id: "4503000001", name: 桂林市第一中学 }
dataDir: /var/lib/campus-gateway
platforms:
  - { id: police, url: "mqtt://127.0.0.1:1883", username: campus, password: open-sesame, receipts: true }
devices:
  - id: perimeter-panel
    driver: dc09
    listen: { port: 5100 }
    accounts: [{ account: "1234", supervision: 60s, zones: [{ zone: 1, id: north-wall, kind: perimeter }, { zone: 9, id: gatehouse-button, kind: panic }] }]
  - { id: fence-east, driver: modbus, connection: { tcp: "127.0.0.1:1502" }, profile: pulse-fence-2zone, zones: [{ zone: 1, id: east-1 }, { zone: 2, id: east-2 }] }
  - { id: gate-reader, driver: wiegand, connection: { serialServer: "127.0.0.1:4001" }, format: rdm6300 }
  - { id: yard, driver: onvif, host: 127.0.0.1, port: 8000, username: admin, passwordFile: secrets/cameras }
secrets: { cameras: camera-password }
access:
  credentialsFile: cards.csv
  groups: [{ id: teachers, doors: [gate] }]
  doors: [{ id: gate, reader: gate-reader, direction: in }]
console: { port: 9480 }
status: { port: 9464 }
`;
/** As an integrator sends it: GB18030 comes from a spreadsheet; here the headings are Chinese in UTF-8. */
const POINTS = `设备,防区,名称,位置
perimeter-panel,,周界报警主机,传达室
perimeter-panel,1,北围墙,北门
perimeter-panel,9,门卫室一键报警,传达室
fence-east,,东围墙电子围栏,东墙
gate-reader,,大门读卡器,大门
yard,,操场摄像机,操场
`;

const put = ({ sh }: OtherMachine, file: string, text: string, mode = '600') =>
  expect(
    sh(`echo ${Buffer.from(text).toString('base64')} | base64 -d > ${file}; chmod ${mode} ${file}`).status,
  ).toBe(0);

/** Runs a step, and notes how long it took. */
function stopwatch() {
  const steps: { readonly what: string; readonly seconds: number }[] = [];
  return {
    async step<T>(what: string, run: () => T | Promise<T>): Promise<T> {
      const from = performance.now();
      const result = await run();
      steps.push({ what, seconds: (performance.now() - from) / 1000 });
      return result;
    },
    report: () =>
      [...steps, { what: 'in all', seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0) }]
        .map(({ what, seconds }) => `${what.padEnd(40)} ${seconds.toFixed(1).padStart(6)} s`)
        .join('\n'),
  };
}

it.runIf(process.env['HOUR'] === '1')(
  'the hour of an installer, from the package to the report',
  { timeout: 600_000 },
  async (context) => {
    need(context, 'mosquitto', 'python3', 'chromium', 'pdftotext', 'ffmpeg');
    const { deb } = makePackages();
    const machine = await otherMachine(context, temporaryDirectory());
    const { sh, begin } = machine;
    const good = (line: string, status = 0) => {
      const result = sh(line);
      expect(result, `${line}\n${result.said}`).toMatchObject({ status });
      return result.said;
    };
    const said = await layStandIn(machine);
    put(
      machine,
      '/etc/mosquitto-school.conf',
      'listener 1883 127.0.0.1\npassword_file /etc/mosquitto-school.users\n',
      '644',
    );
    good(
      'mosquitto_passwd -b -c /etc/mosquitto-school.users campus open-sesame; chmod 644 /etc/mosquitto-school.users',
    );
    good('mosquitto_passwd -b /etc/mosquitto-school.users police police-password');
    begin('mosquitto -c /etc/mosquitto-school.conf');
    put(machine, '/root/camera.password', 'camera-password');
    const { step, report } = stopwatch();

    await step('install the package', () => good(`apt-get install -y ${deb}`));
    const watching = begin(
      'env MQTT_PASSWORD=police-password campus-gateway watch mqtt://127.0.0.1:1883 --username police --store /root/police.sqlite',
    );
    const arrived: string[] = [];
    if (watching.stdout !== null)
      createInterface({ input: watching.stdout }).on('line', (line) => arrived.push(line));
    const hardware = switchOn(machine);
    const found = await step('discover', () =>
      good(
        'ip route add 224.0.0.0/4 dev lo; campus-gateway discover onvif modbus --net 127.0.0.1 --tcp-port 1502 --for 5s',
      ),
    );
    expect(found).toMatch(/driver: onvif/);
    expect(found).toMatch(/driver: modbus/);

    put(machine, '/root/answers.yaml', ANSWERS);
    put(machine, '/etc/campus-gateway/cards.csv', 'number,holder,groups\n3808980205,t-1,teachers\n', '644');
    put(machine, '/root/points.csv', POINTS);
    await step('init', () => good(`campus-gateway init ${CONFIG} --answers /root/answers.yaml --replace`));
    await step('import the points', () => good(`campus-gateway points import /root/points.csv ${CONFIG}`));
    expect(await step('check', () => good(`campus-gateway check ${CONFIG} --explain`))).toContain(
      '门卫室一键报警',
    );
    const examined = await step('doctor', () =>
      sh(`campus-gateway doctor ${CONFIG} --disk /var/lib/campus-gateway`),
    );
    expect(examined.said).toContain('fsync');
    await step('start', async () => {
      good('systemctl start campus-gateway.service');
      await until('it is healthy', () => sh(`campus-gateway health ${CONFIG}`).status === 0, 60_000);
    });
    expect(good(`campus-gateway users link ${CONFIG}`)).toContain('http://127.0.0.1:9480/setup#');

    await step('walk, and the report', async () => {
      const walk = begin(
        `campus-gateway walk-test ${CONFIG} --for 10m --until-complete --out /root/report.pdf`,
      );
      const lines: string[] = [];
      if (walk.stdout !== null)
        createInterface({ input: walk.stdout }).on('line', (line) => lines.push(line));
      const ended = new Promise((resolve) => walk.once('exit', resolve));
      await until('the walk test has begun', () => lines.length > 0, 60_000);
      await hardware.walk();
      expect(await ended, `${lines.join('\n')}\n${said.slice(-20).join('\n')}`).toBe(0);
    });
    await step('backup', () => {
      const key = good('campus-gateway backup keys --to /root/backup.key');
      const [recipient = ''] = /age1[0-9a-z]+/.exec(key) ?? [];
      good(`campus-gateway backup ${CONFIG} --to /root/campus.age --recipient ${recipient}`);
      good('campus-gateway backup check /root/campus.age --key /root/backup.key');
    });
    const text = good('pdftotext -layout /root/report.pdf -');
    for (const word of ['门卫室一键报警', '北围墙', '大门读卡器', '操场摄像机']) expect(text).toContain(word);
    expect(arrived.join('\n')).toContain('alarm.raised');
    process.stdout.write(`${report()}\n`);
  },
);

/** The hardware, and somebody who walks past all of it. */
function switchOn({ sh, begin }: OtherMachine) {
  const start = (name: string, line: string) => {
    sh(`: > /root/${name}.do`);
    begin(`sh -c 'tail -f /root/${name}.do | campus-gateway simulate ${line}'`);
    return (action: string) => sh(`echo '${action}' >> /root/${name}.do`);
  };
  const fence = start('fence', 'fence --listen 1502');
  const reader = start('reader', 'reader --listen 4001');
  const camera = start('camera', 'camera --listen 8000 --password-file /root/camera.password --discovery');
  return {
    async walk() {
      for (const zone of [1, 9]) {
        const { said } = sh(
          `campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "${zone === 9 ? 'press' : 'trip'} ${zone}" --for 1s`,
        );
        expect(said).toContain('ACK');
      }
      for (const zone of [1, 2]) fence(`trip ${zone}`);
      reader('card 3808980205');
      camera('motion');
    },
  };
}
