/** The import rules of the design, one rule a line of it. `npm run check` enforces them. */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'drivers-stand-alone',
      comment:
        'A driver imports its own folder, drivers/contract.ts, line.ts, bits.ts, digest.ts and npm packages, nothing else.',
      severity: 'error',
      from: { path: '^drivers/([^/]+)/' },
      to: {
        path: '^(gateway|config|simulators|tests|drivers)/',
        pathNot: '^drivers/($1/|contract\\.ts$|line\\.ts$|bits\\.ts$|digest\\.ts$)',
      },
    },
    {
      name: 'driver-contract-is-the-ground',
      severity: 'error',
      from: { path: '^drivers/(contract|line|bits|digest)\\.ts$' },
      to: { path: '^(gateway|config|simulators|tests|drivers/[^/]+/)' },
    },
    {
      name: 'codecs-are-pure',
      comment:
        'Bytes <-> frames: no I/O, no timers, no clock. Only types of the contract, and node:crypto where a standard encrypts.',
      severity: 'error',
      from: { path: '^drivers/[^/]+/(codec|secure)\\.ts$' },
      to: {
        pathNot: '^(drivers/(contract|bits|[^/]+/codec)\\.ts$|(node:)?crypto$)|node_modules/fast-xml-parser/',
      },
    },
    {
      name: 'simulators-know-codecs-only',
      severity: 'error',
      from: { path: '^simulators/' },
      to: {
        path: '^(gateway|config|tests|drivers)/',
        pathNot: '^drivers/([^/]+/(codec|secure)|contract|line|bits)\\.ts$',
      },
    },
    {
      name: 'config-stands-on-drivers',
      severity: 'error',
      from: { path: '^config/' },
      to: { path: '^(gateway|simulators|tests|drivers)/', pathNot: '^drivers/(index|contract)\\.ts$' },
    },
    {
      name: 'only-main-knows-the-drivers',
      severity: 'error',
      from: { path: '^gateway/', pathNot: '^gateway/main\\.ts$' },
      to: { path: '^drivers/', pathNot: '^drivers/contract\\.ts$' },
    },
    {
      name: 'main-knows-no-single-driver',
      severity: 'error',
      from: { path: '^gateway/main\\.ts$' },
      to: { path: '^drivers/', pathNot: '^drivers/(index|contract)\\.ts$' },
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
    // TypeScript 7 has no stable API yet, which dependency-cruiser needs; swc parses the same sources.
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
