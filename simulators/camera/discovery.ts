/** How a simulated camera is found. */
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { textIn } from './soap.ts';

/** WS-Discovery (SOAP over UDP, 239.255.255.250:3702): answers who looks for cameras. */
export async function answerDiscovery(address: string) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const uuid = randomUUID();
  socket.on('message', (bytes, { address: asker, port }) => {
    const text = bytes.toString();
    if (!text.includes('Probe')) return;
    const relates = textIn(text, 'MessageID') ?? '';
    socket.send(
      `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID><a:RelatesTo>${relates}</a:RelatesTo><a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:${uuid}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/SC-1 onvif://www.onvif.org/name/Simulated%20SC-1</d:Scopes><d:XAddrs>${address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`,
      port,
      asker,
    );
  });
  socket.bind(3702);
  await once(socket, 'listening');
  socket.addMembership('239.255.255.250');
  return socket;
}
