import type { Words } from './word.ts';

export const doctor = {
  title: ['Doctor', '体检'],
  about: [
    'Looks at the machine, and asks how platforms, devices and contacts are. It disturbs nobody; each line says what to do.',
    '检查主机，并查询平台、设备和联系人的状态。不影响运行；每项都给出处理建议。',
  ],
  examine: ['Examine now', '立即体检'],
  examining: ['Looking; that takes some seconds', '检查中，需要数秒'],
  never: ['No examination since the start', '启动后尚未体检'],
  at: ['Examined {time}', '体检时间：{time}'],
  good: ['good', '正常'],
  note: ['look at it', '需留意'],
  bad: ['wrong', '异常'],
  counts: ['{good} good, {note} to look at, {bad} wrong', '{good} 项正常，{note} 项需留意，{bad} 项异常'],
  tries: [
    'What only the command line can try, with the gateway stopped: the rights at each platform, passwords and clocks of cameras.',
    '各平台的权限、摄像机的密码和时钟，需停止网关后用命令行检查：',
  ],

  clock: ['Clock', '时钟'],
  disk: ['Disk', '磁盘'],
  files: ['Files', '文件'],
  memory: ['Memory', '内存'],
  watchdog: ['Watchdog', '看门狗'],
  video: ['Video', '视频'],
  ports: ['Ports', '端口'],
  names: ['Names of hosts', '主机名'],
  platforms: ['Platforms', '平台'],
  devices: ['Devices', '设备'],
  contacts: ['Contacts', '联系人'],
} as const satisfies Words;
