import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Buildah } from './buildah.js'
import { copyFile, copyPrograms, pathOf } from './machine-files.js'

/**
 * Makes a stand-in for an image of a registry from the Node.js of this machine, so that a build
 * needs no registry of images. It contains the certificates and the npm configuration of this
 * machine, which the build needs to reach the npm registry.
 */
export async function makeBuildImage(buildah: Buildah, name: string): Promise<void> {
  const root = mkdtempSync(join(buildah.folder, 'root-'))
  copyPrograms(root, ['/bin/sh', '/usr/bin/env', 'node', 'cp', 'mkdir', 'rm'])
  const npm = dirname(dirname(execFileSync('readlink', ['-f', pathOf('npm')], { encoding: 'utf8' }).trim()))
  copyFile(npm, join(root, npm))
  symlinkSync(join(npm, 'bin/npm-cli.js'), join(root, dirname(pathOf('node')), 'npm'))
  for (const file of ['/etc/ssl/certs/ca-certificates.crt', '/etc/nsswitch.conf', '/usr/etc/npmrc', '/etc/npmrc']) {
    copyFile(file, join(root, file))
  }
  copyFile(join(homedir(), '.npmrc'), join(root, 'root/.npmrc'))
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  makeMountPoints(root)
  await buildah.commit(root, name, { env: { PATH: process.env.PATH ?? '' } })
}

/**
 * Makes a stand-in for the runtime image: Node.js at its path in a distroless image, its libraries,
 * and an unprivileged user.
 */
export async function makeRunImage(buildah: Buildah, name: string): Promise<void> {
  const root = mkdtempSync(join(buildah.folder, 'root-'))
  copyPrograms(root, ['node'])
  mkdirSync(join(root, 'nodejs/bin'), { recursive: true })
  renameSync(join(root, pathOf('node')), join(root, 'nodejs/bin/node'))
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  )
  makeMountPoints(root)
  await buildah.commit(root, name, { user: '65532' })
}

function makeMountPoints(root: string): void {
  for (const folder of ['dev', 'proc', 'run/secrets', 'tmp']) mkdirSync(join(root, folder), { recursive: true })
}
