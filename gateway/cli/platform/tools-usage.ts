/** What the tools of a city's authority are called, for the help: what they do is loaded when one is run. */

const names = ['codes', 'campuses', 'withdraw', 'uplink', 'authority', 'keys'] as const;
export type ToolName = (typeof names)[number];
export const isTool = (word: string): word is ToolName => names.some((name) => name === word);

const english = `Enrolment: certificates for campuses, by codes that are good once (docs/city/enrolment.md). All take --database URL; those
that sign take --data DIR, where the authority has its keys (DIR/authority, made at first use; AUTHORITY_PASSPHRASE locks them):

campus-gateway platform codes     CAMPUS... [--file LIST] [--valid 7d] [--csv] --data DIR
campus-gateway platform uplink    [URL...] [--ca FILE]
campus-gateway platform campuses  [--json]
campus-gateway platform withdraw  CAMPUS... [--reason TEXT] [--data DIR]
campus-gateway platform authority [ca|list|certificate NAME... [--out DIR]] --data DIR
campus-gateway platform keys      [rotate [--overlap 30d]] --data DIR

  codes       makes a code for each campus, shown this once; --file has one campus a line, or in its first column
  uplink      which broker campuses are told to connect to; --ca where its certificate is of another authority
  campuses    who is invited, enrolled or withdrawn, and until when
  withdraw    certificates of a campus are worth nothing any more, its events are not confirmed, it is given no other
  authority   its fingerprint and counts; ca prints its certificate; list writes that of revoked ones for brokers;
              certificate makes one for a broker
  keys        the keys that commands are signed with; rotate makes the next, and the old one ends after --overlap
  --certificate-life TIME   of the platform that runs: how long certificates of campuses are good; default 397d`;

const chinese = `注册：用一次性注册码向各校园发放证书（见 docs/city/enrolment.md）。均须 --database 地址；需要签名的还须 --data 目录，证书机构的
密钥在其中（目录/authority，首次使用时生成；可用 AUTHORITY_PASSPHRASE 加锁）：

campus-gateway platform codes     校园编号... [--file 名单] [--valid 7d] [--csv] --data 目录
campus-gateway platform uplink    [地址...] [--ca 文件]
campus-gateway platform campuses  [--json]
campus-gateway platform withdraw  校园编号... [--reason 原因] [--data 目录]
campus-gateway platform authority [ca|list|certificate 名称... [--out 目录]] --data 目录
campus-gateway platform keys      [rotate [--overlap 30d]] --data 目录

  codes       为每个校园生成注册码，只显示这一次；--file 每行或第一列为校园编号
  uplink      告知各校园连接哪个消息服务器；其证书由其他机构签发时加 --ca
  campuses    列出待注册、已注册、已撤销的校园及有效期
  withdraw    校园的证书失效，其事件不再确认，也不再续发证书
  authority   证书机构的指纹和统计；ca 输出其证书；list 写出供消息服务器使用的吊销列表；certificate 为消息服务器签发证书
  keys        用于签署命令的密钥；rotate 生成下一把，旧密钥在 --overlap 之后失效
  --certificate-life 时间   平台运行时：校园证书的有效期，默认 397d`;

export const toolsUsage = [english, chinese] as const;
