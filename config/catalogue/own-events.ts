/** Of the catalogue (events.ts), what the gateway says of itself and of the school's ledger. */
import { gateway, ledgerDigest, ledgerEntry } from './event-data.ts';

export const ownEvents = {
  'gateway.started': { lane: 'normal', data: gateway, en: 'The gateway started', zh: '网关启动' },
  'gateway.clock-stepped': {
    lane: 'normal',
    data: gateway,
    en: "The gateway's clock jumped",
    zh: '网关时钟跳变',
  },
  'gateway.storage-low': {
    lane: 'normal',
    data: gateway,
    en: 'The disk is getting full, or a backlog will fill the journal',
    zh: '存储空间不足',
  },
  'gateway.dropped': {
    lane: 'normal',
    data: gateway,
    en: 'Events were dropped undelivered',
    zh: '事件被丢弃',
  },
  'gateway.backup-failed': {
    lane: 'normal',
    data: gateway,
    en: 'The backup of the day could not be made; it is tried again each hour',
    zh: '当日备份失败（每小时重试）',
  },
  'gateway.storage-failed': {
    lane: 'normal',
    data: gateway,
    en: 'The disk took no events; this comes when it does again',
    zh: '存储故障（恢复后上报）',
  },
  'gateway.journal-salvaged': {
    lane: 'normal',
    data: gateway,
    en: 'The journal was damaged; what could be read was saved',
    zh: '事件日志损坏并已抢救',
  },
  'gateway.journal-renumbered': {
    lane: 'normal',
    data: gateway,
    en: 'Another numbering begins (`journal`): the data folder was copied or put back, its machine is another, or another gateway numbers alike',
    zh: '启用新的事件编号（数据目录被复制或恢复、更换主机，或有另一网关使用同一编号）',
  },
  'gateway.other-instance': {
    lane: 'normal',
    data: gateway,
    en: 'Another gateway is connected to a platform as this campus: a copy, or two with one id',
    zh: '平台上有另一网关以本校身份在线（副本或编号重复）',
  },
  'gateway.certificate-expiring': {
    lane: 'normal',
    data: gateway,
    en: 'A certificate ends within 30 days',
    zh: '证书即将到期',
  },
  'ledger.opened': {
    lane: 'normal',
    data: ledgerEntry,
    en: 'A fault or a hazard was put into the ledger of the school',
    zh: '故障或隐患已登记台账',
  },
  'ledger.closed': {
    lane: 'normal',
    data: ledgerEntry,
    en: 'A fault or a hazard of the ledger was closed',
    zh: '故障或隐患已销号',
  },
  'ledger.overdue': {
    lane: 'normal',
    data: ledgerEntry,
    en: 'A fault or a hazard of the ledger is open after its deadline; told again every day',
    zh: '故障或隐患超期未整改（每日提醒）',
  },
  'ledger.digest': {
    lane: 'normal',
    data: ledgerDigest,
    en: 'A day or a month in numbers: alarms, false alarms, availability, faults and hazards',
    zh: '日报、月报：报警、误报、在线率、故障与隐患统计',
  },
} as const;
