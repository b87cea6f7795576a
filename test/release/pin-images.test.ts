import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import { dockerfileComplaints } from '../deploy/support/lint.js'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))

/** A registry in which the digest of an image is derived from its name. */
const registry = `#!/bin/sh
[ "$1 $2 $3 $5" = "buildx imagetools inspect --format" ] || exit 64
printf 'sha256:%s\\n' "$(printf %s "$4" | sha256sum | cut -c1-64)"
`
const digestOf = (image: string) => `sha256:${createHash('sha256').update(image).digest('hex')}`

describe('deploy/docker/pin-images.sh', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-pin-'))
    cpSync(deploy, join(folder, 'deploy'), { recursive: true })
    mkdirSync(join(folder, 'bin'))
    return () => rmSync(folder, { recursive: true })
  })

  function pin(docker: string) {
    writeFileSync(join(folder, 'bin/docker'), docker, { mode: 0o755 })
    const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
    return spawnSync(join(folder, 'deploy/docker/pin-images.sh'), {
      env: { ...process.env, PATH },
      encoding: 'utf8',
    })
  }

  /** Returns every file below deploy/ with its text. */
  function filesOf(root: string): ReadonlyMap<string, string> {
    const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    return new Map(
      entries.map(({ parentPath, name }) => {
        const path = join(parentPath, name)
        return [path.slice(root.length), readFileSync(path, 'utf8')]
      }),
    )
  }

  /** Returns each image that the files use, except for those of Latchkey itself. */
  const imagesOf = (files: ReadonlyMap<string, string>) =>
    [...files.values()]
      .flatMap((text) =>
        [...text.matchAll(/^\s*(?:- )?(?:FROM|image:|imageName:) (\S+)/gm)].map(([, image = '']) => image),
      )
      .filter((image) => !/^latchkey:/.test(image))

  it('pins every third-party image, and reads the digests again in a second run', () => {
    const before = imagesOf(filesOf(join(folder, 'deploy')))
    expect(before.length).toBeGreaterThan(7)
    const expected = before.map((image) => {
      const [tagged = ''] = image.split('@')
      return `${tagged}@${digestOf(tagged)}`
    })
    expect(pin(registry)).toMatchObject({ status: 0, stderr: '' })
    expect(imagesOf(filesOf(join(folder, 'deploy')))).toEqual(expected)
    const pinned = filesOf(join(folder, 'deploy'))
    expect(pin(registry).status).toBe(0)
    expect(filesOf(join(folder, 'deploy'))).toEqual(pinned)
    // A label names the base image for readers; the rest of the file is unchanged.
    const dockerfile = pinned.get('/docker/Dockerfile') ?? ''
    expect(dockerfile).toMatch(/base\.name="[^"@]+"/)
    expect(dockerfileComplaints(dockerfile)).toEqual([])
  })

  it.each([
    ['is unavailable', '#!/bin/sh\nexit 1\n'],
    ['returns something else', '#!/bin/sh\necho "<nil>"\n'],
  ])('changes nothing when the registry %s', (_what, docker) => {
    expect(pin(docker).status).toBe(1)
    expect(filesOf(join(folder, 'deploy'))).toEqual(filesOf(deploy))
  })
})
