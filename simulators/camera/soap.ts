/** SOAP as cameras speak it: envelopes, faults, times. */
/** What answers are. */
export const SOAP = 'application/soap+xml; charset=utf-8';
/** Epoch ms -> xs:dateTime. */
export const xmlTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
/** Simple items under a name. */
export const items = (name: string, values: Readonly<Record<string, string>>) =>
  `<tt:${name}>${Object.entries(values)
    .map(([key, value]) => `<tt:SimpleItem Name="${key}" Value="${value}"/>`)
    .join('')}</tt:${name}>`;
const NAMESPACES = [
  'xmlns:s="http://www.w3.org/2003/05/soap-envelope"',
  'xmlns:a="http://www.w3.org/2005/08/addressing"',
  'xmlns:tt="http://www.onvif.org/ver10/schema"',
  'xmlns:tds="http://www.onvif.org/ver10/device/wsdl"',
  'xmlns:trt="http://www.onvif.org/ver10/media/wsdl"',
  'xmlns:tev="http://www.onvif.org/ver10/events/wsdl"',
  'xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl"',
  'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"',
  'xmlns:tns1="http://www.onvif.org/ver10/topics"',
  'xmlns:ter="http://www.onvif.org/ver10/error"',
].join(' ');
export const envelope = (body: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><s:Envelope ${NAMESPACES}><s:Body>${body}</s:Body></s:Envelope>`;
export const fault = (code: string, reason: string) =>
  envelope(
    `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:${code}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`,
  );
/** xs:duration of days and less -> ms; `fallback` in seconds. */
export const durationMs = (text: string | undefined, fallback: number) => {
  const [, days, hours, minutes, own] =
    /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?)?$/.exec(
      text?.trim() ?? '',
    ) ?? [];
  const total =
    ((Number(days ?? 0) * 24 + Number(hours ?? 0)) * 60 + Number(minutes ?? 0)) * 60 + Number(own ?? 0);
  return (total > 0 ? total : fallback) * 1000;
};

/** How long a subscription lasts (WS-BaseNotification 1.3, 4.2: a duration or a time), ms. `now`: what its clock says. */
export function terminationMs(text: string | undefined, now: number): number {
  const until = /^\d{4}-/.test(text?.trim() ?? '') ? Date.parse(text ?? '') - now : Number.NaN;
  const wanted = Number.isFinite(until) ? until : durationMs(text, LASTS_S);
  return Math.max(LEAST_MS, Math.min(wanted, MOST_MS));
}
const LASTS_S = 60;
const LEAST_MS = 1000;
const MOST_MS = 86_400_000;

/**
 * The text of the first element of this name, whatever its prefix and attributes. A question may come from anybody: no
 * place is looked at for longer than names and times are.
 */
export const textIn = (body: string, name: string): string | undefined =>
  new RegExp(`[<:]${name}(?:\\s[^<>]{0,500})?>([^<]{0,500})<`).exec(body)?.[1];
