import type { Found, HostPort } from './found.ts';

/** A panel that reports by DC-09 to `listen`. */
export const panelFound = (
  listen: HostPort,
  account: string,
  from: string,
  isEncrypted?: boolean,
): Found => ({
  kind: 'panel',
  driver: 'dc09',
  address: `${listen.port} ${account.toUpperCase()}`,
  device: {
    id: `panel-${account}`,
    driver: 'dc09',
    listen,
    accounts: [{ account, ...(isEncrypted === true && { keyFile: `secrets/panel-${account}` }) }],
  },
  words:
    isEncrypted === true
      ? {
          en: `it reports encrypted from ${from}: its key goes into that file`,
          zh: `来自 ${from}，加密上报：请将密钥写入该文件`,
        }
      : { en: `it reports from ${from}`, zh: `来自 ${from} 的上报` },
});
