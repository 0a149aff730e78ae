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
/** xs:duration of minutes and seconds -> ms; `fallback` in seconds. */
export const durationMs = (text: string | undefined, fallback: number) => {
  const [, minutes, own] = /PT(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?/.exec(text ?? '') ?? [];
  const total = Number(minutes ?? 0) * 60 + Number(own ?? 0);
  return (total > 0 ? total : fallback) * 1000;
};

/**
 * The text of the first element of this name, whatever its prefix and attributes. A question may come from anybody: no
 * place is looked at for longer than names and times are.
 */
export const textIn = (body: string, name: string): string | undefined =>
  new RegExp(`[<:]${name}(?:\\s[^<>]{0,500})?>([^<]{0,500})<`).exec(body)?.[1];
