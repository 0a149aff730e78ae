/** What each ONVIF device must answer (ONVIF Core 8 and 9, profile S), beside what a camera is for. */
import { properties } from './events.ts';
import { type Answers, type CameraFacts, RELAY } from './services.ts';

/** Where capabilities of a service are asked, by the path that it has (ONVIF Core 8.1.2). */
const capabilities: Readonly<Record<string, string>> = {
  device_service:
    '<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"/><tds:Security TLS1.2="false" UsernameToken="true" HttpDigest="true"/><tds:System DiscoveryResolve="false" DiscoveryBye="false" RemoteDiscovery="false" SystemBackup="false" SystemLogging="false" FirmwareUpgrade="false"/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>',
  events_service:
    '<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSSubscriptionPolicySupport="false" WSPullPointSupport="true" WSPausableSubscriptionManagerInterfaceSupport="false" MaxNotificationProducers="0" MaxPullPoints="POINTS" PersistentNotificationStorage="false"/></tev:GetServiceCapabilitiesResponse>',
  media_service:
    '<trt:GetServiceCapabilitiesResponse><trt:Capabilities SnapshotUri="true" Rotation="false" VideoSourceMode="false" OSD="false"><trt:ProfileCapabilities MaximumNumberOfProfiles="1"/><trt:StreamingCapabilities RTPMulticast="false" RTP_TCP="false" RTP_RTSP_TCP="true" NonAggregateControl="false"/></trt:Capabilities></trt:GetServiceCapabilitiesResponse>',
  ptz_service:
    '<tptz:GetServiceCapabilitiesResponse><tptz:Capabilities EFlip="false" Reverse="false" GetCompatibleConfigurations="false"/></tptz:GetServiceCapabilitiesResponse>',
};

const EVENTS = '"http://www.onvif.org/ver10/events/wsdl"';
const DEVICE = '"http://www.onvif.org/ver10/device/wsdl"';
const DIALECTS = [
  '<wsnt:TopicExpressionDialect>http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet</wsnt:TopicExpressionDialect>',
  '<wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</wsnt:TopicExpressionDialect>',
  '<tev:MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>',
  '<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation>',
].join('');

/** What a topic bears. */
const descriptionXml = (isProperty: boolean, source: readonly string[], data: string) => {
  const item = (name: string, type: string) => `<tt:SimpleItemDescription Name="${name}" Type="${type}"/>`;
  return `<tt:MessageDescription IsProperty="${isProperty}"><tt:Source>${source.map((name) => item(name, 'tt:ReferenceToken')).join('')}</tt:Source><tt:Data>${item(data, isProperty ? 'xs:boolean' : 'xs:integer')}</tt:Data></tt:MessageDescription>`;
};

interface Branch {
  readonly children: Map<string, Branch>;
  description?: string;
}
const branch = (): Branch => ({ children: new Map() });

/** The tree of topics (WS-Topics 1.3): each name once under its parent, the first with its prefix. */
function topicSet(): string {
  const root = branch();
  const add = (topic: string, description: string) => {
    let at = root;
    for (const name of topic.split('/')) {
      const next = at.children.get(name) ?? branch();
      at.children.set(name, next);
      at = next;
    }
    at.description = description;
  };
  for (const [topic, source, item] of Object.values(properties))
    add(topic, descriptionXml(true, Object.keys(source), item));
  add(
    'RuleEngine/LineDetector/Crossed',
    descriptionXml(
      false,
      ['VideoSourceConfigurationToken', 'VideoAnalyticsConfigurationToken', 'Rule'],
      'ObjectId',
    ),
  );
  const write = ({ children }: Branch, prefix: string): string =>
    [...children]
      .map(([name, one]) => {
        const is = one.description === undefined ? '' : ' wstop:topic="true"';
        return `<${prefix}${name}${is}>${one.description ?? ''}${write(one, '')}</${prefix}${name}>`;
      })
      .join('');
  return write(root, 'tns1:');
}

/** `pullPoints`: how many subscriptions it bears. `path`: of the service that was asked. */
export function standardAnswers(
  { host, serial }: Pick<CameraFacts, 'serial'> & { readonly host: string },
  pullPoints: number,
): Answers {
  return {
    GetServiceCapabilities(body, path) {
      const service = path.split('/').at(-1) ?? '';
      // Services may be asked at the address of the device: then the namespace tells which is meant.
      const isOfEvents = body.includes(EVENTS) && !body.includes(DEVICE);
      const found = isOfEvents ? 'events_service' : service in capabilities ? service : 'device_service';
      return capabilities[found]?.replace('POINTS', String(pullPoints));
    },
    GetWsdlUrl: () =>
      '<tds:GetWsdlUrlResponse><tds:WsdlUrl>http://www.onvif.org/</tds:WsdlUrl></tds:GetWsdlUrlResponse>',
    GetDiscoveryMode: () =>
      '<tds:GetDiscoveryModeResponse><tds:DiscoveryMode>Discoverable</tds:DiscoveryMode></tds:GetDiscoveryModeResponse>',
    GetNetworkInterfaces: () =>
      `<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name><tt:HwAddress>02:00:${serial.slice(0, 8).replace(/(..)(?=.)/g, '$1:')}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info><tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:Manual><tt:Address>${host}</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:Manual><tt:DHCP>false</tt:DHCP></tt:Config></tt:IPv4></tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>`,
    GetNTP: () =>
      '<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP></tds:NTPInformation></tds:GetNTPResponse>',
    GetDNS: () =>
      '<tds:GetDNSResponse><tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP></tds:DNSInformation></tds:GetDNSResponse>',
    GetUsers: () =>
      '<tds:GetUsersResponse><tds:User><tt:Username>admin</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User></tds:GetUsersResponse>',
    GetRelayOutputs: () =>
      `<tds:GetRelayOutputsResponse><tds:RelayOutputs token="${RELAY}"><tt:Properties><tt:Mode>Bistable</tt:Mode><tt:DelayTime>PT0S</tt:DelayTime><tt:IdleState>open</tt:IdleState></tt:Properties></tds:RelayOutputs></tds:GetRelayOutputsResponse>`,
    GetEventProperties: () =>
      `<tev:GetEventPropertiesResponse xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:xs="http://www.w3.org/2001/XMLSchema"><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>${topicSet()}</wstop:TopicSet>${DIALECTS}</tev:GetEventPropertiesResponse>`,
  };
}
