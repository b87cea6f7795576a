/**
 * The direction of imports (ARCHITECTURE.md, "Floors"): a folder imports only lower floors, siblings on a floor never
 * import each other, ports excepted. The numbers below are the floors.
 */
const core = '^packages/latchkey/src/'
const server = '^packages/server/src/'

const floors = [
  [
    'define-failures.ts',
    'errors.ts',
    'clock.ts',
    'maybe-promise.ts',
    'bounded-map.ts',
    'check-whole.ts',
    'strict-json.ts',
  ],
  ['jws/', 'claims/', 'sealing/'],
  ['secrets/', 'keys/', 'auth.ts', 'verified-tokens.ts'],
  ['latchkey.ts', 'stores/'],
  ['http/'],
  ['adapters/', 'interop/', 'testing/', 'index.ts'],
]

/** Types that the floors above implement or consume: importable from the sibling that does not own them. */
const ports = ['auth.ts', 'secrets/ports.ts', 'keys/key-source.ts', 'keys/key-pair-store.ts']

/** The server's floors: pure things at the bottom, the one place that puts everything together just below the command line. */
const serverFloors = [
  [
    'problem.ts',
    'grants.ts',
    'startup-failure.ts',
    'request-origin.ts',
    'uuid.ts',
    'ip-address.ts',
    'guess-policy.ts',
    'row-locks.ts',
    'device-name.ts',
    'fair-queue.ts',
  ],
  ['config/', 'audit/', 'http/', 'docs/'],
  ['core.ts'],
  ['database/', 'sessions/', 'exchange/', 'protection/', 'clients/', 'mail/'],
  ['accounts/', 'oauth/'],
  ['ops/'],
  ['admin/', 'open-core.ts'],
  ['routes/', 'service.ts'],
  ['server.ts'],
  ['cli/', 'index.ts'],
]

const pattern = (places, root = core) =>
  places.map((place) => root + place.replaceAll('.', '\\.') + (place.endsWith('/') ? '' : '$'))

const upward = floors.slice(0, -1).map((places, floor) => ({
  name: `floor-${floor}-looks-down`,
  comment: `Floor ${floor} (${places.join(', ')}) may not import a higher one.`,
  severity: 'error',
  from: { path: pattern(places) },
  to: { path: pattern(floors.slice(floor + 1).flat()) },
}))

const siblings = floors.slice(1, -1).flatMap((places, index) =>
  places
    .map((place) => ({
      name: `floor-${index + 1}-${place.replace(/\W+$/, '')}-minds-its-own`,
      comment: `${place} may not import its siblings; what both need belongs a floor lower, or in a port.`,
      severity: 'error',
      from: { path: pattern([place]) },
      to: { path: pattern(places.filter((other) => other !== place)), pathNot: pattern(ports) },
    }))
    .filter((rule) => rule.to.path.length > 0),
)

const serverUpward = serverFloors.slice(0, -1).map((places, floor) => ({
  name: `server-floor-${floor}-looks-down`,
  comment: `Floor ${floor} of the server (${places.join(', ')}) may not import a higher one.`,
  severity: 'error',
  from: { path: pattern(places, server) },
  to: { path: pattern(serverFloors.slice(floor + 1).flat(), server) },
}))

const serverSiblings = serverFloors.slice(1).flatMap((places) =>
  places
    .filter(() => places.length > 1)
    .map((place) => ({
      name: `server-${place.replace(/\W+$/, '')}-minds-its-own`,
      comment: `${place} may not import its siblings.`,
      severity: 'error',
      from: { path: pattern([place], server) },
      to: {
        path: pattern(
          places.filter((other) => other !== place),
          server,
        ),
      },
    })),
)

const within = (folder) => ({
  name: `${folder}-stand-alone`,
  comment: `One of ${folder}/ never imports another; what they share has a name of its own below.`,
  severity: 'error',
  from: { path: `${core}${folder}/([^/]+)/` },
  to: { path: `${core}${folder}/[^/]+/`, pathNot: [`${core}${folder}/$1/`, `${core}stores/sql/`] },
})

module.exports = {
  forbidden: [
    ...upward,
    ...siblings,
    ...serverUpward,
    ...serverSiblings,
    within('adapters'),
    within('stores'),
    {
      name: 'route-plugins-stand-alone',
      comment: 'A plugin of routes never imports another; what they share is in routes/ or routes/guards/.',
      severity: 'error',
      from: { path: `${server}routes/([^/]+)/` },
      to: { path: `${server}routes/[^/]+/`, pathNot: [`${server}routes/$1/`, `${server}routes/guards/`] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pure-floors-do-no-io',
      comment: 'jws/, claims/ and sealing/ compute: of Node they use only crypto, buffer and util.',
      severity: 'error',
      from: { path: pattern(['jws/', 'claims/', 'sealing/']) },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|util)$' },
    },
    {
      name: 'core-has-no-dependency',
      comment: 'Drivers and frameworks are types or optional peers, and only where they are adapted.',
      severity: 'error',
      from: { path: core, pathNot: [`${core}stores/`, `${core}adapters/`, `${core}testing/`] },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'passwords-hash-in-turn',
      comment: 'Passwords are hashed through PasswordQueue alone, which gives each network its turn.',
      severity: 'error',
      from: {
        path: server,
        pathNot: pattern(
          [
            'accounts/password-hasher.ts',
            'accounts/imported-hash.ts',
            'accounts/verify-imported.ts',
            'accounts/password-queue.ts',
            'accounts/open-passwords.ts',
            'service.ts',
          ],
          server,
        ),
      },
      to: {
        path: [
          ...pattern(['accounts/password-hasher.ts', 'accounts/verify-imported.ts'], server),
          '@node-rs/(argon2|bcrypt)',
        ],
      },
    },
    {
      name: 'server-uses-the-public-face',
      severity: 'error',
      from: { path: server },
      to: { path: core },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
}
