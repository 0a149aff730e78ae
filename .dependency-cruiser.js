/** The import rules of the design, one rule a line of it. `npm run check` enforces them. */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'the-contract-is-the-ground',
      comment: 'drivers/contract: types and zod helpers.',
      severity: 'error',
      from: { path: '^drivers/contract/' },
      to: { pathNot: '^drivers/contract/|node_modules/zod/|^(node:)?os$' },
    },
    {
      name: 'shared-files-know-no-driver',
      comment: 'What several drivers share stands on the contract and on each other.',
      severity: 'error',
      from: { path: '^drivers/[^/]+\\.ts$', pathNot: '^drivers/index\\.ts$' },
      to: {
        path: '^(gateway|config|simulators|tests|drivers/[^/]+/)',
        pathNot: '^drivers/(contract|alarm-codes)/',
      },
    },
    {
      name: 'drivers-stand-alone',
      comment: 'A driver imports its own folder, the contract, the shared files beside it and npm packages.',
      severity: 'error',
      from: { path: '^drivers/(?!contract/|platforms/)([^/]+)/' },
      to: {
        path: '^(gateway|config|simulators|tests|drivers)/',
        pathNot: '^drivers/($1/|(contract|alarm-codes)/|(?!index\\.)[^/]+\\.ts$)',
      },
    },
    {
      name: 'platforms-stand-alone',
      comment: 'As a driver: a platform protocol knows neither the engine of delivery nor another protocol.',
      severity: 'error',
      from: { path: '^drivers/platforms/([^/]+)/' },
      to: {
        path: '^(gateway|config|simulators|tests|drivers)/',
        pathNot: '^drivers/(platforms/$1/|contract/|(?!index\\.)[^/]+\\.ts$)',
      },
    },
    {
      name: 'codecs-are-pure',
      comment:
        'Bytes <-> frames: no I/O, no timers, no clock. Only types of the contract, and node:crypto where a standard encrypts.',
      severity: 'error',
      from: {
        path: '^drivers/(platforms/)?[^/]+/(codec|secure|xml|notifications|times|multipart|documents)\\.ts$',
      },
      to: {
        pathNot:
          '^(drivers/(contract/|(bits|text)\\.ts$|[^/]+/(codec|xml|notifications|times|multipart|documents)\\.ts$)|(node:)?crypto$)|node_modules/fast-xml-parser/',
      },
    },
    {
      name: 'simulators-know-codecs-only',
      severity: 'error',
      from: { path: '^simulators/' },
      to: {
        path: '^(gateway|config|tests|drivers)/',
        pathNot:
          '^drivers/([^/]+/(codec|secure)\\.ts$|platforms/[^/]+/(codec|checked|campus)\\.ts$|platforms/gb28181/(manscdp|sip/message)\\.ts$|contract/|(line|bits|files)\\.ts$)',
      },
    },
    {
      name: 'config-stands-on-drivers',
      severity: 'error',
      from: { path: '^config/' },
      to: {
        path: '^(gateway|simulators|tests|drivers)/',
        pathNot: '^drivers/((index|files|addresses)\\.ts$|contract/)',
      },
    },
    {
      name: 'the-catalogue-stands-on-the-contract',
      severity: 'error',
      from: { path: '^config/catalogue/' },
      to: { pathNot: '^(config/catalogue/|drivers/contract/)|node_modules/zod/' },
    },
    {
      name: 'only-main-knows-the-registry',
      comment:
        'The command line names it for who sets up devices and for who replays. What listeners of both sides share stands beside the drivers.',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/(main\\.ts$|cli/|platform/)' },
      to: { path: '^drivers/', pathNot: '^drivers/(contract/|(connections|files|http)\\.ts$)' },
    },
    {
      name: 'delivery-knows-no-protocol',
      comment: 'gateway/uplink/ hands events to a Transport and hears in its words what became of them.',
      severity: 'error',
      from: { path: '^gateway/uplink/' },
      to: {
        path: '^drivers/|node_modules/(mqtt|mqtt-packet|ws|socks|aedes)/',
        pathNot: '^drivers/(contract/|files\\.ts$)',
      },
    },
    {
      name: 'a-stage-knows-no-other-stage',
      comment: 'Stages meet on the road that main.ts lays, nowhere else.',
      severity: 'error',
      from: { path: '^gateway/(floods|access|visitors|arming|alarms)/' },
      to: { path: '^gateway/(floods|access|visitors|arming|alarms)/', pathNot: '^gateway/$1/' },
    },
    {
      name: 'parts-meet-in-main',
      comment:
        'Two parts of one floor know each other by their types only; main.ts, and the tools of the command line, make them.',
      severity: 'error',
      from: { path: '^gateway/([^/]+)/', pathNot: '^gateway/(cli|platform)/' },
      to: {
        path: '^gateway/(floods|access|visitors|arming|alarms|devices|rules|notices|media|uplink|console|platform)/',
        pathNot: '^gateway/$1/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-platform-is-no-gateway',
      comment:
        'The consumer of a city knows the contract, and lets people in as the console does; of the road of a campus it knows nothing.',
      severity: 'error',
      from: { path: '^gateway/platform/' },
      to: {
        path: '^(gateway|drivers|simulators)/',
        pathNot:
          '^(gateway/(platform|console|lifecycle|enrolment)/|gateway/observe/(log|process)\\.ts$|gateway/[^/]+\\.ts$|drivers/contract/|drivers/[^/]+\\.ts$|drivers/platforms/mqtt/(codec|checked)\\.ts$)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-gateway-knows-no-platform',
      severity: 'error',
      from: { path: '^(gateway|drivers|config|simulators)/', pathNot: '^gateway/(cli|platform)/' },
      to: { path: '^gateway/platform/|node_modules/(pg|amqplib|@nats-io)/' },
    },
    {
      name: 'the-console-knows-no-stage',
      comment: 'Its pages ask by commands and read what was recorded.',
      severity: 'error',
      from: { path: '^gateway/console/' },
      to: { path: '^gateway/(floods|access|visitors|arming|alarms)/' },
    },
    {
      name: 'main-knows-no-single-driver',
      severity: 'error',
      from: { path: '^gateway/main\\.ts$' },
      to: { path: '^drivers/', pathNot: '^drivers/(index\\.ts$|contract/)' },
    },
    {
      name: 'simulators-only-in-the-command-line',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/cli/' },
      to: { path: '^simulators/' },
    },
    {
      name: 'no-broker-in-the-daemon',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/cli/' },
      to: { path: 'node_modules/aedes/' },
    },
    {
      name: 'no-tests-in-the-product',
      severity: 'error',
      from: { path: '^(gateway|drivers|config|simulators)/' },
      to: { path: '^tests/' },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^(gateway|drivers|config|simulators)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no stable API yet, which dependency-cruiser needs; swc parses the same sources, and sees imports
    // of types too, without `tsPreCompilationDeps`, which is of tsc. tests/imports.test.ts shows that it misses nothing.
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
