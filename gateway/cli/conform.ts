import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../drivers/files.ts';
import { printable } from '../printable.ts';
import { type Command, UsageError, untilStopped } from './command.ts';
import { oneOf, timeOf } from './values.ts';

const english = `campus-gateway conform BROKER [--as-campus 4503999999] [--patience 90s] [--only TRIAL]... [--json]

  BROKER            mqtt://, mqtts://, ws:// or wss://HOST:PORT: where the consumer listens
  --as-campus ID    the campus that it plays; default 4503999999. None of that number may be connected, nor of one that ends
                    with 8 instead: that is another campus, which uses the same id
  --patience TIME   how long a receipt or a replay is waited for; default 90s
  --only TRIAL      this trial alone; may be repeated
  --json            a JSON object a trial
  --protocol 4      MQTT 3.1.1; default 5
  --username NAME   with the password in MQTT_PASSWORD
  --ca FILE         the authority that signed the broker's certificate

For who writes the consumer of a platform (docs/platform.md): duplicates, gaps, lanes, a new numbering, alarms without a
number, replays, pictures, erasures, what a later version adds (types, classes, topics, members), master data that change and
are withdrawn, and what is no event. Its events are test data: their campus is none. Exit status: 0 it does all of it right; 1 something is wrong; 3 the broker is not reached.

  campus-gateway conform mqtt://127.0.0.1:1883`;
const chinese = `campus-gateway conform BROKER [--as-campus 4503999999] [--patience 90s] [--only TRIAL]... [--json]

  BROKER            mqtt://、mqtts://、ws:// 或 wss://HOST:PORT：消费程序所在的服务器
  --as-campus ID    所扮演的校园；默认 4503999999。不得有该编号的校园在线；末位换成 8 的编号也不得在线：用来扮演使用
                    相同 id 的另一校园
  --patience TIME   等待回执或补发请求的时间；默认 90s
  --only TRIAL      只做这一项；可重复
  --json            每项一个 JSON 对象
  --protocol 4      MQTT 3.1.1；默认 5
  --username NAME   密码取自 MQTT_PASSWORD
  --ca FILE         签发服务器证书的机构

供编写平台消费程序的人使用（docs/platform.md）：重复、缺口、通道、新的编号、没有编号的报警、补发、图片、删除个人信息、后续版本新增的内容
（类型、类别、主题、字段）、变更和撤回的主数据，以及不是事件的内容。其事件为测试数据，并无此校园。退出状态：0 全部正确；1 发现问题；3 无法连接服务器。

  campus-gateway conform mqtt://127.0.0.1:1883`;

export const conform: Command = {
  name: 'conform',
  summary: [
    'Play a campus to a platform’s own consumer, and grade what it answers',
    '向平台自己的消费程序扮演校园，并评判它的应答',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        'as-campus': { type: 'string', default: '4503999999' },
        patience: { type: 'string', default: '90s' },
        only: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        protocol: { type: 'string', default: '5' },
        username: { type: 'string' },
        ca: { type: 'string' },
      },
    });
    const [url] = positionals;
    if (url === undefined || !URL.canParse(url)) throw new UsageError(say('which broker?', '请给出平台地址'));
    const campus = values['as-campus'];
    if (!/^[\w-]{1,32}$/.test(campus))
      throw new UsageError(say('--as-campus: letters and digits', '--as-campus：字母和数字'));
    const [{ openStage }, { trials }] = await Promise.all([
      import('../../simulators/conform/stage.ts'),
      import('../../simulators/conform/trials.ts'),
    ]);
    const names = trials.map(({ name }) => name);
    const only = values.only.map((one) => oneOf('only', one, names));
    const stop = new AbortController();
    void untilStopped(terminal).then(() => stop.abort());
    const password = process.env['MQTT_PASSWORD'];
    const stage = await openStage({
      ...{ url, campus, time: terminal.clock, signal: stop.signal },
      patienceMs: timeOf('patience', values.patience, '1s', '1h'),
      mqtt: {
        protocolVersion: oneOf('protocol', values.protocol, ['5', '4']) === '5' ? 5 : 4,
        ...(values.username !== undefined && { username: values.username }),
        ...(password !== undefined && { password }),
        ...(values.ca !== undefined && { ca: readBytesOf(values.ca, CERTIFICATE_FILE_MAX) }),
      },
    });
    let wrong = 0;
    try {
      for (const { name, what, run } of trials) {
        if ((only.length > 0 && !only.includes(name)) || stop.signal.aborted) continue;
        const problem = await run(stage);
        if (stop.signal.aborted) break;
        if (problem !== undefined) wrong++;
        const why = problem === undefined ? '' : say(...problem);
        const line = values.json
          ? JSON.stringify({
              trial: name,
              good: problem === undefined,
              ...(problem !== undefined && { why }),
            })
          : `${problem === undefined ? '✓' : '✗'} ${name}: ${say(...what)}${why === '' ? '' : `\n  ${why}`}`;
        terminal.stdout.write(`${values.json ? line : line.split('\n').map(printable).join('\n')}\n`);
      }
    } finally {
      await stage.close();
    }
    return wrong > 0 || stop.signal.aborted ? 1 : 0;
  },
};
