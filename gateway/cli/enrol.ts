import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { atMost, type Command, UsageError } from './command.ts';

const english = `campus-gateway enrol URL CONFIG --code CODE [--uplink ID] [--ca FILE] [--dry-run]
campus-gateway enrol --renew CONFIG [--uplink ID]

Gives this gateway its certificate and its uplink at a platform (\`campus-gateway platform\`), with the code that the platform
made for this campus. The code is good once. Before it is sent, the platform shows that it knows the code: no fingerprint has
to be compared, and who stands between learns nothing. An answer that was lost is asked for again with the same command.

The key is made here and stays here: in the data folder, beside the certificate (enrolment.ID.pem). The uplink is written into
CONFIG, where its comments stay. From then on the gateway renews the certificate by itself, when a third of its life is left.

  URL            of the platform: https://HOST[:PORT]
  --code CODE    four groups of five letters and digits; or the environment's ENROLMENT_CODE
  --uplink ID    which uplink of CONFIG; default police. One that is not there is added
  --ca FILE      the platform's page has a certificate of this authority (PEM), not of the one that enrols
  --dry-run      looks whether the platform knows the code, and leaves all as it is
  --renew        asks for another certificate now; without it the gateway does so in time

  campus-gateway enrol https://platform.city.example:8443 /etc/campus-gateway/campus.yaml --code 7ZK4M-9QWE2-XB0RT-5JHD8`;
const chinese = `campus-gateway enrol 地址 配置 --code 注册码 [--uplink 编号] [--ca 文件] [--dry-run]
campus-gateway enrol --renew 配置 [--uplink 编号]

用平台为本校生成的注册码，向平台（\`campus-gateway platform\`）领取本网关的证书和上联配置。注册码只能使用一次。发送前，平台须先证明
自己知道该注册码：无需人工核对指纹，中间人也得不到任何信息。应答丢失时，重新执行同一命令即可。

私钥在本机生成且不离开本机：与证书一起存放在数据目录（enrolment.编号.pem）。上联写入配置文件，原有注释保留。此后网关在证书
有效期剩余三分之一时自动续期。

  地址           平台地址：https://主机[:端口]
  --code 注册码  四组，每组五个字母或数字；也可用环境变量 ENROLMENT_CODE
  --uplink 编号  配置中的哪个上联；默认 police；不存在则新增
  --ca 文件      平台页面的证书由此机构（PEM）签发，而非注册所用的证书机构
  --dry-run      只检查平台是否认识该注册码，不作任何改动
  --renew        立即申请新证书；不使用时网关会按时自动续期

  campus-gateway enrol https://platform.city.example:8443 /etc/campus-gateway/campus.yaml --code 7ZK4M-9QWE2-XB0RT-5JHD8`;

export const enrol: Command = {
  name: 'enrol',
  summary: ['Get a certificate and an uplink from a platform, by a code', '用注册码向平台领取证书和上联配置'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        code: { type: 'string' },
        uplink: { type: 'string' },
        ca: { type: 'string' },
        renew: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
      },
    });
    const { code = process.env['ENROLMENT_CODE'], uplink, ca } = values;
    atMost(values.renew ? 1 : 2, positionals);
    const file = positionals.at(-1);
    const [url] = positionals;
    if (values.renew) {
      if (file === undefined) throw new UsageError(say('which config file?', '请给出配置文件'));
      const { renewNow } = await import('./enrol/renew.ts');
      return await renewNow(file, uplink, terminal);
    }
    if (url === undefined || file === undefined || positionals.length < 2)
      throw new UsageError(say("the platform's address, and a config file", '请给出平台地址和配置文件'));
    if (code === undefined)
      throw new UsageError(say('--code, which the platform made', '请用 --code 给出平台生成的注册码'));
    const { enrolNow } = await import('./enrol/enrol.ts');
    return await enrolNow({ url, file, code, uplink, ca, isTrial: values['dry-run'] }, terminal);
  },
};
