const { readdirSync } = require('node:fs')
const { join, sep } = require('node:path')

/**
 * The direction of imports (ARCHITECTURE.md, "Floors"): a folder imports only lower floors, and
 * siblings on a floor never import each other, ports excepted. Every file is on a floor.
 */
const core = '^packages/latchkey/src/'
const server = '^packages/server/src/'

const floors = [
  [
    'bounded-map.ts',
    'call-back.ts',
    'channels.ts',
    'check-whole.ts',
    'clock-tolerance.ts',
    'clock.ts',
    'deadline.ts',
    'define-failures.ts',
    'errors.ts',
    'is-error.ts',
    'maybe-promise.ts',
    'observed-operation.ts',
    'copy-text.ts',
    'remote-response.ts',
    'remote-url.ts',
    'report-remote-failure.ts',
    'semaphore.ts',
    'strict-json.ts',
    'timers.ts',
  ],
  ['jws/', 'claims/', 'sealing/'],
  ['secrets/', 'keys/', 'legacy/', 'introspection/', 'auth.ts', 'verified-tokens.ts', 'watched-tokens.ts'],
  ['tenants/', 'upkeep/', 'latchkey-api.ts'],
  ['tenant-secrets/', 'latchkey.ts', 'sessions/', 'stores/'],
  ['http/'],
  ['adapters/', 'interop/', 'testing/', 'index.ts'],
]

/** Types that a sibling may import: another folder implements or consumes them. */
const ports = [
  'auth.ts',
  'secrets/ports.ts',
  'keys/key-source.ts',
  'keys/key-pair-store.ts',
  'tenant-secrets/tenant-secrets-api.ts',
  'sessions/session-store.ts',
]

/** Pure code is at the bottom, and the one place that puts everything together below the CLI. */
const serverFloors = [
  [
    'authentication-claims.ts',
    'change-together.ts',
    'device-name.ts',
    'fair-queue.ts',
    'grants.ts',
    'guess-policy.ts',
    'html.ts',
    'ip-address.ts',
    'keyset-walk.ts',
    'locales.ts',
    'package-folder.ts',
    'problem.ts',
    'quantity.ts',
    'random-token.ts',
    'request-origin.ts',
    'row-locks.ts',
    'startup-failure.ts',
    'uuid.ts',
    'version.ts',
  ],
  ['config/', 'messages/', 'audit/', 'http/', 'docs/'],
  ['core.ts'],
  ['database/', 'sessions/', 'exchange/', 'protection/', 'clients/', 'mail/'],
  ['factors/'],
  ['accounts/', 'oauth/'],
  ['ops/'],
  ['admin/', 'open-core.ts'],
  ['routes/', 'service.ts'],
  ['pages/', 'console/'],
  ['server.ts', 'demo/'],
  ['cli/', 'index.ts'],
]

const pattern = (places, root = core) =>
  places.map((place) => root + place.replaceAll('.', '\\.') + (place.endsWith('/') ? '' : '$'))

checkPlaces('packages/latchkey/src', floors.flat())
checkPlaces('packages/server/src', serverFloors.flat())

/** Throws unless the places are the files and folders of this source folder, each of them once. */
function checkPlaces(folder, places) {
  const entries = readdirSync(join(__dirname, folder), { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(__dirname, folder).length + 1))
    .map((file) => file.replaceAll(sep, '/'))
  const isIn = (place) => (file) => (place.endsWith('/') ? file.startsWith(place) : file === place)
  for (const file of files) {
    const count = places.filter((place) => isIn(place)(file)).length
    if (count !== 1)
      throw new Error(`${folder}/${file} is on ${count} floors: name it once in .dependency-cruiser.cjs.`)
  }
  const missing = places.find((place) => !files.some(isIn(place)))
  if (missing !== undefined)
    throw new Error(`${folder}/${missing} does not exist: remove it from .dependency-cruiser.cjs.`)
}

/** Returns the rules of one package. `prefix` begins their names. */
function rulesOf(prefix, allFloors, root, exceptions) {
  const nameOf = (place) => place.replace(/(\.ts|\/)$/, '')
  const upward = allFloors.slice(0, -1).map((places, floor) => ({
    name: `${prefix}floor-${floor}-imports-no-higher-floor`,
    comment: `Floor ${floor} (${places.join(', ')}) may not import a higher one.`,
    severity: 'error',
    from: { path: pattern(places, root) },
    to: { path: pattern(allFloors.slice(floor + 1).flat(), root) },
  }))
  const siblings = allFloors
    .slice(1)
    .filter((places) => places.length > 1)
    .flatMap((places) =>
      places.map((place) => ({
        name: `${prefix}${nameOf(place)}-imports-no-sibling`,
        comment: `${place} may not import its siblings: move what both need a floor down, or into a port.`,
        severity: 'error',
        from: { path: pattern([place], root) },
        to: { path: pattern(without(places, place), root), pathNot: exceptions },
      })),
    )
  return [...upward, ...siblings]
}

function without(places, place) {
  return places.filter((other) => other !== place)
}

const within = (folder) => ({
  name: `${folder}-import-no-other-of-${folder}`,
  comment: `A folder in ${folder}/ never imports another one; what they share is on a lower floor.`,
  severity: 'error',
  from: { path: `${core}${folder}/([^/]+)/` },
  to: { path: `${core}${folder}/[^/]+/`, pathNot: [`${core}${folder}/$1/`, `${core}stores/sql/`] },
})

module.exports = {
  forbidden: [
    ...rulesOf('', floors, core, pattern(ports)),
    ...rulesOf('server-', serverFloors, server, []),
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
      comment: 'jws/, claims/ and sealing/ are pure: of Node they use only crypto, buffer and util.',
      severity: 'error',
      from: { path: pattern(['jws/', 'claims/', 'sealing/']) },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|util)$' },
    },
    {
      name: 'core-has-no-dependency',
      comment: 'Drivers and frameworks are optional peers, which only stores/ and adapters/ import.',
      severity: 'error',
      from: { path: core, pathNot: [`${core}stores/`, `${core}adapters/`, `${core}testing/`] },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'passwords-are-hashed-by-the-queue',
      comment: 'Only PasswordQueue hashes passwords: it divides the work fairly between networks.',
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
      name: 'server-imports-the-public-subpaths',
      severity: 'error',
      from: { path: server },
      to: { path: core },
    },
    {
      name: 'every-import-resolves',
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
