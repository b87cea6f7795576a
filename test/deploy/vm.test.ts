import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { freePort } from '../support/free-port.js'
import { requireProgram } from '../support/installed-program.js'
import { blocksLeftOut, Page } from '../support/page.js'
import { installedBinaries } from '../support/postgres-binaries.js'
import { type PostgresServer, startPostgres } from '../support/start-postgres.js'
import { createTestDatabase, type TestDatabase } from '../support/test-database.js'
import { callProblems } from './support/command-facts.js'
import { startEchoServer } from './support/echo-server.js'
import { pathOf } from './support/machine-files.js'
import { commandsOf, walk } from './support/page-walk.js'
import { startNginx } from './support/start-nginx.js'

const scripts = fileURLToPath(new URL('../../deploy/systemd', import.meta.url))
const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const page = readFileSync(join(repository, 'docs/guides/deploy-vm.md'), 'utf8')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-vm-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('the scripts of deploy/systemd are accepted by shellcheck', () => {
  requireProgram('shellcheck', 'shellcheck')
  const files = readdirSync(scripts).filter((name) => name.endsWith('.sh'))
  execFileSync('shellcheck', files, { cwd: scripts })
  expect(files.length).toBeGreaterThan(2)
})

describe('switch.sh', () => {
  /**
   * Creates a release. Its command prints the name of the release when it reads a line, from a file
   * that it loads only then.
   */
  const makeRelease = (name: string) => {
    const bin = join(folder, 'releases', name, 'packages/server/bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'latchkey.js'), `process.stdin.once('data', () => require('./name.js'))`)
    writeFileSync(join(bin, 'name.js'), `console.log('${name}'); process.exit()`)
  }
  const current = () => join(folder, 'current/packages/server/bin/latchkey.js')
  const run = (...args: string[]) =>
    spawnSync(join(scripts, 'switch.sh'), args, { env: { ...process.env, LATCHKEY_HOME: folder }, encoding: 'utf8' })

  it('makes a release the current one, and then an earlier one again', () => {
    for (const name of ['one', 'two']) makeRelease(name)
    for (const name of ['one', 'two', 'one']) {
      expect(run(name).status).toBe(0)
      expect(readlinkSync(join(folder, 'current'))).toBe(`releases/${name}`)
      expect(execFileSync(process.execPath, [current()], { input: '\n', encoding: 'utf8' })).toBe(`${name}\n`)
    }
  })

  it('does not change the files of a running server', () => {
    for (const name of ['one', 'two']) makeRelease(name)
    run('one')
    const switchAndAsk = `(sleep 1; "${join(scripts, 'switch.sh')}" two >&2; echo) | "${process.execPath}" "${current()}"`
    const env = { ...process.env, LATCHKEY_HOME: folder }
    expect(execFileSync('bash', ['-c', switchAndAsk], { env, encoding: 'utf8', stdio: 'pipe' })).toBe('one\n')
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/two')
  })

  it('changes nothing when the release does not exist', () => {
    makeRelease('one')
    run('one')
    for (const args of [['two'], [], ['']]) expect(run(...args).status).not.toBe(0)
    expect(readlinkSync(join(folder, 'current'))).toBe('releases/one')
  })
})

describe('backup.sh', () => {
  let database: TestDatabase

  beforeEach(async () => {
    requireProgram('psql', 'postgresql')
    database = await createTestDatabase()
    return () => database.drop()
  })

  const run = (target: string) =>
    spawnSync(join(scripts, 'backup.sh'), {
      env: {
        PATH: [installedBinaries() ?? '', process.env.PATH ?? ''].join(delimiter),
        BACKUPS: folder,
        DATABASE: target,
        KEEP_DAYS: '14',
      },
      encoding: 'utf8',
    })
  const dumps = () => readdirSync(folder).toSorted()

  it('writes a new dump on each run, and overwrites none', () => {
    const names = [1, 2].map(() => {
      const { status, stdout, stderr } = run(database.url)
      expect([status, stderr]).toEqual([0, ''])
      return stdout.trim()
    })
    expect(dumps().map((name) => join(folder, name))).toEqual(names.toSorted())
    expect(new Set(names).size).toBe(2)
  })

  it('deletes dumps older than the retention time, and nothing else', () => {
    const daysAgo = (days: number) => Date.now() / 1000 - days * 86_400
    const ages = { 'latchkey-old.dump': 16, 'latchkey-new.dump': 13, 'other.dump': 99 }
    for (const [name, days] of Object.entries(ages)) {
      writeFileSync(join(folder, name), '')
      utimesSync(join(folder, name), daysAgo(days), daysAgo(days))
    }
    expect(run(database.url).status).toBe(0)
    expect(dumps()).toEqual(expect.arrayContaining(['latchkey-new.dump', 'other.dump']))
    expect(existsSync(join(folder, 'latchkey-old.dump'))).toBe(false)
  })

  it('fails without a partial dump, and deletes nothing, when the database cannot be read', () => {
    writeFileSync(join(folder, 'latchkey-old.dump'), '')
    utimesSync(join(folder, 'latchkey-old.dump'), 0, 0)
    expect(run(`${database.url}-absent`).status).not.toBe(0)
    expect(dumps()).toEqual(['latchkey-old.dump'])
  })
})

describe('docs/guides/deploy-vm.md', () => {
  it('names the paths that the units and scripts use', () => {
    const units = readdirSync(scripts).map((name) => readFileSync(join(scripts, name), 'utf8'))
    const paths = units.flatMap((text) => text.match(/\/(?:opt|etc|var\/backups)\/[\w/.-]+/g) ?? [])
    const folders = [
      '/opt/node',
      '/opt/latchkey',
      '/etc/latchkey/secrets',
      '/etc/latchkey/latchkey.env',
      '/var/backups/latchkey',
    ]
    expect(paths.length).toBeGreaterThan(8)
    expect(paths.filter((path) => !folders.some((known) => path.startsWith(known)))).toEqual([])
    expect(folders.filter((known) => !page.includes(known))).toEqual([])
  })
})

describe('docs/guides/deploy-vm.md, walked on a machine whose folders are below another one', () => {
  let postgres: PostgresServer

  beforeEach(async () => {
    requireProgram('psql', 'postgresql')
    postgres = await startPostgres()
  })

  afterEach(async () => {
    const pid = join(folder, 'pid')
    if (existsSync(pid)) spawnSync('kill', [readFileSync(pid, 'utf8').trim()])
    await postgres.dispose()
  })

  /** Returns a text of the page or of a unit with the folders of that machine. */
  const moved = (text: string) =>
    text.replaceAll(/(?<![\w./-])\/(?=(?:opt|etc|usr\/local|var\/(?:backups|lib)|tmp)\b)/g, `${folder}/`)

  /** Creates the files of a release on nodejs.org, with the Node.js that runs this test. */
  const offerNode = (commands: string) => {
    const [, name = ''] = /^NODE=(\S+)/m.exec(commands) ?? []
    const [, line = ''] = /https:\/\/nodejs\.org\/dist\/([\w.-]+)\/\{/.exec(commands) ?? []
    const offered = join(folder, 'dist', line)
    mkdirSync(join(offered, name, 'bin'), { recursive: true })
    symlinkSync(process.execPath, join(offered, name, 'bin/node'))
    execFileSync('bash', ['-c', `tar cJf ${name}.tar.xz ${name} && sha256sum *.xz > SHASUMS256.txt`], { cwd: offered })
  }

  const unit = readFileSync(join(scripts, 'latchkey.service'), 'utf8')

  /** Returns the environment that systemd would set for the service, as shell assignments. */
  const environmentOfUnit = () => {
    expect(unit).toMatch(/^EnvironmentFile=\/etc\/latchkey\/latchkey\.env$/m)
    const ofUnit = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) => line.split(' '))
    const ofFile = Page.at('docs/guides/deploy-vm.md')
      .take('ini')
      .flatMap((text) => text.match(/^\w+=.*$/gm) ?? [])
    return [...ofUnit, ...ofFile]
      .map((line) => moved(line.replace('%d/', '/etc/latchkey/secrets/')).replace(/=(.*)/, "='$1'"))
      .join(' ')
  }

  const answers = (environment: string) => `
case "\${0##*/} $*" in
  'apt-get '*|'journalctl '*) ;;
  'git clone '*) mkdir "\${@: -1}" && cd '${repository}' && cp -r package.json package-lock.json packages deploy "\${@: -1}" ;;
  'git rev-parse '*) echo abc1234 ;;
  'npm ci --omit=dev '*) ln -s '${repository}/node_modules' . ;;
  'install '*)
    args=()
    while [ $# -gt 0 ]; do
      case "$1" in --owner|--group) shift ;; *) args+=("$1") ;; esac
      shift
    done
    exec '${pathOf('install')}' "\${args[@]}" ;;
  'su postgres -c psql') exec psql '${postgres.url}' --quiet --set ON_ERROR_STOP=1 ;;
  'systemctl enable --now latchkey'|'systemctl restart latchkey')
    if [ -f '${folder}/pid' ]; then
      kill "$(cat '${folder}/pid')"
      while kill -0 "$(cat '${folder}/pid')" 2> /dev/null; do sleep 0.1; done
    fi
    rm -f '${folder}/log'
    mkdir -p '${folder}/var/lib/latchkey' && cd '${folder}/var/lib/latchkey'
    env -i ${environment} ${moved(/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '')} < /dev/null > '${folder}/log' 2>&1 &
    echo $! > '${folder}/pid'
    until grep -qs listening '${folder}/log'; do kill -0 $! || { cat '${folder}/log'; exit 1; }; sleep 0.1; done ;;
  'systemctl start latchkey-backup') exec '${join(scripts, 'backup.sh')}' > /dev/null ;;
  'systemd-run '*)
    while [ "$1" != /bin/sh ]; do shift; done
    env -i CREDENTIALS_DIRECTORY='${folder}/etc/latchkey/secrets' ${environment} /bin/sh -c "\${3//\\/opt\\//${folder}/opt/}" "\${@:4}" ;;
esac
`

  it('sets up a server that answers, an administrator, a backup, and a release to switch to', async () => {
    const page = commandsOf('deploy-vm.md')
    offerNode(page)
    for (const made of ['opt', 'tmp', 'etc/systemd/system', 'usr/local/sbin', 'var/backups']) {
      mkdirSync(join(folder, made), { recursive: true })
    }
    const port = await freePort()
    const database = new URL('/latchkey', postgres.url).href
    const commands = moved(page)
      .replaceAll('https://nodejs.org/', `file://${folder}/`)
      .replace('127.0.0.1:5432', new URL(postgres.url).host)
      .replace('127.0.0.1:3000', `127.0.0.1:${port}`)
      .replace('<repository>', 'https://git.example.com/latchkey.git')
    const calls = walk(`set -euo pipefail\nPATH=${folder}/usr/local/sbin:$PATH\n${commands}`, {
      programs: ['apt-get', 'git', 'npm', 'install', 'su', 'systemctl', 'systemd-run', 'journalctl'],
      answers: answers(`PATH="$PATH" PORT=${port} ${environmentOfUnit()}`),
      env: {
        LATCHKEY_HOME: join(folder, 'opt/latchkey'),
        BACKUPS: join(folder, 'var/backups/latchkey'),
        DATABASE: database,
      },
    })
    expect(callProblems(calls)).toEqual([])
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    const password = 'smtp://user:password@mail.example.net:587?requireTLS=true'
    const login = { body: { email: 'you@example.com', password } }
    expect((await new AuthClient(`http://127.0.0.1:${port}`).call('POST', '/v1/login', login)).status).toBe(200)
    expect(readdirSync(join(folder, 'var/backups/latchkey'))).toHaveLength(1)
    expect(readlinkSync(join(folder, 'opt/latchkey/current'))).toMatch(/^releases\/\d{8}-abc1234$/)
    expect(statSync(join(folder, 'etc/systemd/system/latchkey.service')).mode & 0o777).toBe(0o644)
    expect(statSync(join(folder, 'etc/latchkey/secrets/master-keys')).mode & 0o777).toBe(0o600)
  })
})

describe('the configuration of nginx in docs/guides/deploy-vm.md', () => {
  it('passes requests on with the address of the client, and does not publish metrics', async () => {
    const [block = ''] = Page.at('docs/guides/deploy-vm.md').take('nginx')
    const certificate = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=auth.example.com', '-days', '1']
    execFileSync('openssl', [...certificate, '-keyout', 'privkey.pem', '-out', 'fullchain.pem'], {
      cwd: folder,
      stdio: 'ignore',
    })
    const echo = await startEchoServer()
    const [port, plainPort] = [await freePort(), await freePort()]
    const server = block
      .replaceAll(/\/etc\/letsencrypt\/live\/auth\.example\.com\/([\w.]+)/g, `"${folder}/$1"`)
      .replaceAll('127.0.0.1:3000', echo.host)
      .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/${name};`)
    const nginx = await startNginx(
      `pid /tmp/nginx.pid; error_log /dev/stderr; events {}
       http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${plainPort}; return 204; } ${server} }`,
      `http://127.0.0.1:${plainPort}`,
    )
    const answerOf = async (path: string) => {
      const args = ['-sk', '-H', 'X-Forwarded-For: 192.0.2.77', `https://127.0.0.1:${port}${path}`]
      return (await promisify(execFile)('curl', args)).stdout
    }
    try {
      expect(JSON.parse(await answerOf('/readyz')).headers['x-forwarded-for']).toBe('127.0.0.1')
      expect(await answerOf('/metrics')).toContain('404 Not Found')
    } finally {
      expect(await nginx.stop()).not.toContain('[warn]')
      echo.close()
    }
  })

  it('is on a page with no block that these tests leave out', () => {
    expect(blocksLeftOut('docs/guides/deploy-vm.md')).toEqual([])
  })
})
