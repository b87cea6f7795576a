import { describe, expect, it } from 'vitest'
import { callProblems } from './support/command-facts.js'

const callOf = (line: string) => {
  const [program = '', ...args] = line.split(' ')
  return { program, args }
}

describe('a command of a page', () => {
  it.each([
    'docker compose up --detach --wait-for-it',
    'docker compose start-up',
    'docker compose run --rm server-1 admin make you@example.com',
    'docker compose run --rm migrate restore --force',
    'docker run --readonly latchkey:local',
    'docker buildx build --build-contexts a=b .',
    'kind make cluster',
    'kubectl create secret opaque name',
    'kubectl --namespace latchkey rollout state deployment/latchkey',
    'kubectl --namespace latchkey wait --for-condition=complete job/x',
    'kubectl exec deployment/latchkey -- /nodejs/bin/node /app/packages/server/bin/latchkey.js admin add me@example.com',
    'gh attestation verify oci://x --repository y',
    'npm clean-install --production',
    'systemctl enable --right-away latchkey',
  ])('is refused as %s', (line) => {
    expect(callProblems([callOf(line)])).not.toEqual([])
  })

  it.each([
    'docker compose run --rm --volume data:/data migrate backup restore --yes',
    'kubectl --namespace latchkey create secret generic x --from-file=a=b',
    'kubectl rollout status deployment/latchkey',
    'kubectl delete --filename x.yaml',
    'kubectl exec --stdin --tty deployment/latchkey -- node /app/packages/server/bin/latchkey.js admin create you@example.com',
  ])('is accepted as %s', (line) => {
    expect(callProblems([callOf(line)])).toEqual([])
  })
})
