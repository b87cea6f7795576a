/**
 * Writes the page of tested versions from the packages that the tests install:
 * `node scripts/write-compatibility.mjs [file]`; `npm run reference` runs it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lowestVersions } from './lowest-versions.mjs'

const repository = new URL('../', import.meta.url)
const read = (path) => JSON.parse(readFileSync(new URL(path, repository), 'utf8'))
const [file = fileURLToPath(new URL('docs/reference/compatibility.md', repository))] = process.argv.slice(2)

const { peerDependencies } = read('packages/latchkey/package.json')
const { packages: installed } = read('package-lock.json')

/** Projects of the tests that are installed with the newest versions in these ranges. */
const projects = [read('test/release/consumers/package.json'), read('test/release/next/package.json')]

/** The subpath for each framework or driver, and the package of that. */
const frameworks = [
  ['Express', 'latchkey/express', 'express'],
  ['Fastify', 'latchkey/fastify', 'fastify'],
  ['Hono', 'latchkey/hono', 'hono'],
  ['Koa', 'latchkey/koa', 'koa'],
  ['hapi', 'latchkey/hapi', '@hapi/hapi'],
  ['Nest', 'latchkey/nest', '@nestjs/common'],
  ['Next.js', 'latchkey/next', 'next'],
  ['tRPC', 'latchkey/trpc', '@trpc/server'],
  ['GraphQL Yoga', 'latchkey/yoga', 'graphql-yoga'],
  ['ws', 'latchkey/ws', 'ws'],
  ['Socket.IO', 'latchkey/socketio', 'socket.io'],
  ['pg', 'latchkey/postgres', 'pg'],
  ['mysql2', 'latchkey/mysql', 'mysql2'],
  ['ioredis', 'latchkey/redis', 'ioredis'],
  ['@photostructure/sqlite', 'latchkey/sqlite', '@photostructure/sqlite'],
  ['libsql', 'latchkey/sqlite', 'libsql'],
]

/** Returns the newest versions of a package that tests load, the lowest first. */
function testedVersions(name) {
  // An alias such as `express4` is another version of the same package.
  const pattern = new RegExp(`^(?:packages/latchkey/)?node_modules/${name}\\d*$`)
  const locked = Object.entries(installed)
    .filter(([path, entry]) => pattern.test(path) && (entry.name ?? name) === name)
    .map(([, { version }]) => version)
  const newest = projects.flatMap(({ dependencies }) => {
    const major = /\d+/.exec(dependencies[name] ?? '')?.[0]
    return major === undefined || locked.some((version) => version.startsWith(`${major}.`)) ? [] : [`${major}, newest`]
  })
  const versions = [...new Set([...locked, ...newest])].filter((version) => isAccepted(name, version))
  return versions.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true })).join('; ')
}

/** Other packages of the repository may bring a version that the library does not accept. */
function isAccepted(name, version) {
  const majors = [...peerDependencies[name].matchAll(/(?:^|\|\| )(?:\^|>=)(\d+)/g)].map(([, major]) => major)
  return majors.includes(version.split(/[.,]/)[0])
}

const frameworkRows = frameworks.map(([title, subpath, name]) => [
  title,
  `\`${subpath}\``,
  peerDependencies[name].replaceAll('||', 'or'),
  lowestVersions(peerDependencies[name]).join('; '),
  testedVersions(name),
])

const environmentRows = [
  ['Node.js 20, 22, 24, 26', 'unit tests, all guards with their frameworks, SQLite, and the packed packages on each'],
  ['Node.js 24', 'all tests: it is the reference'],
  ['`import` and `require`', 'every subpath of the packed package; both in one process'],
  ['TypeScript 6.0', '`node10`, `node16` (ES modules and CommonJS), `nodenext` and `bundler`, without `skipLibCheck`'],
  ['TypeScript 5.4', '`module: commonjs` with `moduleResolution: node10`'],
  ['Vitest', 'both module systems, fake timers'],
  ['Jest', 'its default mode, ts-jest, fake timers'],
  ['`node:test`', 'both module systems, fake timers'],
]

function tableOf(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

writeFileSync(
  file,
  `# Compatibility

The versions that the tests install and run. \`npm run reference\` writes this page from the packages
that are installed.

## Frameworks and drivers

*Accepted* is the range of the peer dependency. With each of the *lowest* versions, a project that
installs the packed library compiles, and its guard or store is used once
(\`test/release/lowest-peers.test.ts\`). With the *newest*, each guard takes the same table of
requests with a real server.

${tableOf(['', 'subpath', 'accepted', 'lowest', 'newest'], frameworkRows)}

## Node.js, module systems, TypeScript and test runners

${tableOf(['', 'tested with'], environmentRows)}

Node.js 20 is past its end of life (30 April 2026). Bun, Deno and edge runtimes are not tested.

## Other JWT libraries and ORMs

[Keep your JWT library](../guides/keep-your-jwt-library.md) names the tested libraries, and [the
transaction of your ORM](../guides/your-orm.md) the tested ORMs.
`,
)
