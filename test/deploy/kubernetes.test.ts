import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Manifest, nameOf, renderKustomization } from './support/kubernetes-manifests.js'
import { schemaProblems } from './support/manifest-schemas.js'
import { podProblems } from './support/pod-policy.js'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const root = join(deploy, 'kustomize')

/** Everything that is rendered: overlays, and components that no overlay has. */
const variants: Readonly<Record<string, () => readonly Manifest[]>> = {
  'overlays/local': () => renderKustomization(join(root, 'overlays/local')),
  'overlays/gke': () => renderKustomization(join(root, 'overlays/gke')),
  'base with gateway, prometheus and external-secrets': () => render(['gateway', 'prometheus', 'external-secrets']),
  'base with gke-ingress': () => render(['gke-ingress']),
}

function render(components: readonly string[]): readonly Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-kustomize-'))
  const path = (name: string) => relative(folder, join(root, name))
  try {
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [path('base')],
      components: components.map((component) => path(`components/${component}`)),
    }
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
    return renderKustomization(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A copy of a manifest with something changed. */
function faulty(manifest: Manifest, fault: (copy: Manifest) => void): Manifest {
  const copy = structuredClone(manifest)
  fault(copy)
  return copy
}

describe('the manifests for Kubernetes', () => {
  let rendered: Readonly<Record<string, readonly Manifest[]>>

  beforeAll(() => {
    rendered = Object.fromEntries(Object.entries(variants).map(([name, make]) => [name, make()]))
  })

  const all = () => Object.values(rendered).flat()
  const find = (variant: string, name: string): Manifest => {
    const manifest = rendered[variant]?.find((candidate) => nameOf(candidate) === name)
    if (manifest === undefined) throw new Error(`${variant} has no ${name}.`)
    return manifest
  }

  it('are what the schemas of their kinds allow', () => {
    expect(schemaProblems(all()).flat()).toEqual([])
  })

  it('would be refused with a field that is misspelt, misplaced, missing or of a wrong type', () => {
    const deployment = find('overlays/local', 'Deployment/latchkey')
    const faults = [
      faulty(deployment, ({ spec }) => Object.assign(spec, { minReadySecond: 5 })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec, { replicas: 2 })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec.containers[0].readinessProbe, { httpget: {} })),
      faulty(deployment, ({ spec }) => Object.assign(spec.template.spec.containers[0], { runAsNonRoot: true })),
      faulty(deployment, ({ spec }) =>
        Object.assign(spec.template.spec.containers[0].ports[0], { containerPort: '3000' }),
      ),
      faulty(deployment, ({ spec }) => delete spec.selector),
      faulty(deployment, ({ metadata }) => Object.assign(metadata.labels ?? {}, { version: 1 })),
      faulty(find('overlays/gke', 'HealthCheckPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.default, { requestPath: '/' }),
      ),
      faulty(find('overlays/gke', 'GCPBackendPolicy/latchkey'), ({ spec }) =>
        Object.assign(spec.default, { timeout: 3 }),
      ),
      faulty(find('overlays/gke', 'Gateway/latchkey'), ({ spec }) => Object.assign(spec, { gatewayClass: 'x' })),
      faulty(find('overlays/gke', 'HTTPRoute/latchkey'), ({ spec }) => Object.assign(spec.rules[0], { backends: [] })),
      faulty(find('overlays/gke', 'SecretProviderClass/latchkey'), ({ spec }) => Object.assign(spec, { secrets: [] })),
      faulty(find('base with gke-ingress', 'BackendConfig/latchkey'), ({ spec }) =>
        Object.assign(spec.healthCheck, { path: '/' }),
      ),
      ...['ServiceMonitor', 'PrometheusRule', 'ExternalSecret'].map((kind) =>
        faulty(find('base with gateway, prometheus and external-secrets', `${kind}/latchkey`), ({ spec }) =>
          Object.assign(spec, { misspelt: {} }),
        ),
      ),
    ]
    for (const [index, problems] of schemaProblems(faults).entries()) {
      expect(problems, `fault ${index}`).not.toEqual([])
    }
  })

  it('make pods that are confined, limited, probed and pinned', () => {
    expect(all().flatMap(podProblems)).toEqual([])
  })

  it.each<[string, (pod: { spec: Record<string, unknown>; container: Record<string, unknown> }) => void]>([
    ['is privileged', ({ container }) => Object.assign(container.securityContext as object, { privileged: true })],
    [
      'may gain privileges',
      ({ container }) => Object.assign(container.securityContext as object, { allowPrivilegeEscalation: true }),
    ],
    [
      'can write to its root file system',
      ({ container }) => Object.assign(container.securityContext as object, { readOnlyRootFilesystem: false }),
    ],
    ['keeps capabilities', ({ container }) => Object.assign(container.securityContext as object, { capabilities: {} })],
    ['has no limits', ({ container }) => Object.assign(container.resources as object, { limits: {} })],
    [
      'requests no processor or memory',
      ({ container }) => Object.assign(container.resources as object, { requests: {} }),
    ],
    ['has no liveness probe', ({ container }) => delete container.livenessProbe],
    ['has no readiness probe', ({ container }) => delete container.readinessProbe],
    ['has no startup probe', ({ container }) => delete container.startupProbe],
    ['has an image that is not pinned', ({ container }) => Object.assign(container, { image: 'latchkey:latest' })],
    [
      'has a secret in its environment',
      ({ container }) => Object.assign(container, { env: [{ name: 'DATABASE_URL' }] }),
    ],
    ['may run as root', ({ spec }) => Object.assign(spec.securityContext as object, { runAsNonRoot: false })],
    ['has no seccomp profile', ({ spec }) => Object.assign(spec.securityContext as object, { seccompProfile: {} })],
    ['is given a token of the cluster', ({ spec }) => delete spec.automountServiceAccountToken],
    [
      'mounts a path of the node',
      ({ spec }) => Object.assign(spec, { volumes: [{ name: 'x', hostPath: { path: '/' } }] }),
    ],
    ['shares what is the node', ({ spec }) => Object.assign(spec, { hostNetwork: true })],
  ])('would be refused if a pod %s', (problem, fault) => {
    const planted = faulty(find('overlays/local', 'Deployment/latchkey'), ({ spec: { template } }) =>
      fault({ spec: template.spec, container: template.spec.containers[0] }),
    )
    expect(podProblems(planted)).toEqual([expect.stringContaining(problem)])
  })

  it('give a server longer to stop than balancers take to hear of it and requests take to end', () => {
    const pod = find('overlays/gke', 'Deployment/latchkey').spec.template.spec
    const [server] = pod.containers
    const serverPatienceSec = 10
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(
      server.lifecycle.preStop.sleep.seconds + serverPatienceSec,
    )
    const { connectionDraining } = find('overlays/gke', 'GCPBackendPolicy/latchkey').spec.default
    expect(connectionDraining.drainingTimeoutSec).toBeLessThan(pod.terminationGracePeriodSeconds)
  })

  it.each(['overlays/local', 'overlays/gke'])('%s: lets nothing in or out that is not named', (variant) => {
    const policies = (rendered[variant] ?? []).filter(({ kind }) => kind === 'NetworkPolicy')
    const closed = policies.filter(
      ({ spec }) =>
        Object.keys(spec.podSelector).length === 0 && spec.ingress === undefined && spec.egress === undefined,
    )
    expect(closed.map(({ spec }) => spec.policyTypes)).toEqual([['Ingress', 'Egress']])
    for (const { spec } of policies) {
      for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
        expect(rule.from ?? rule.to, 'peers').not.toHaveLength(0)
        expect(rule.ports, 'ports').not.toHaveLength(0)
        expect(JSON.stringify(rule)).not.toContain('/0"')
      }
    }
  })

  it.each(['overlays/local', 'overlays/gke'])(
    '%s: selects the servers, and nothing else, by service, budget and autoscaler',
    (variant) => {
      const { spec } = find(variant, 'Deployment/latchkey')
      const { labels } = spec.template.metadata
      expect(labels).toMatchObject(spec.selector.matchLabels)
      expect(find(variant, 'Service/latchkey').spec.selector).toEqual(spec.selector.matchLabels)
      expect(find(variant, 'PodDisruptionBudget/latchkey').spec.selector.matchLabels).toEqual(spec.selector.matchLabels)
      expect(find(variant, 'HorizontalPodAutoscaler/latchkey').spec.scaleTargetRef).toMatchObject({
        kind: 'Deployment',
        name: 'latchkey',
      })
      const migration = find(variant, 'Job/latchkey-migration').spec.template.metadata.labels
      expect(migration['app.kubernetes.io/component']).not.toBe(labels['app.kubernetes.io/component'])
    },
  )

  it.each(['overlays/local', 'overlays/gke'])(
    '%s: runs one image for servers and migration, and keeps settings and secrets apart',
    (variant) => {
      const server = find(variant, 'Deployment/latchkey').spec.template.spec.containers[0]
      expect(find(variant, 'Job/latchkey-migration').spec.template.spec.containers[0].image).toBe(server.image)
      const settings = (rendered[variant] ?? []).filter(({ kind }) => kind === 'ConfigMap')
      expect(settings.map(({ metadata }) => metadata.name)).toEqual([server.envFrom[0].configMapRef.name])
      expect(Object.keys(settings[0]?.data).filter((name) => /(URL|KEYS|TOKEN|PASSWORD|PEPPERS)$/.test(name))).toEqual(
        [],
      )
      expect((rendered[variant] ?? []).filter(({ kind }) => kind === 'Secret')).toEqual([])
    },
  )

  it('overlays/gke: gives servers and migration their master keys wrapped, and the key that opens them', () => {
    const secrets = find('overlays/gke', 'SecretProviderClass/latchkey').spec.parameters.secrets
    for (const name of ['Deployment/latchkey', 'Job/latchkey-migration']) {
      const { env } = find('overlays/gke', name).spec.template.spec.containers[0]
      const settingOf = (variable: string) => env.find((entry: { name: string }) => entry.name === variable)?.value
      expect(settingOf('LATCHKEY_MASTER_KEYS_FILE')).toBeUndefined()
      expect(settingOf('LATCHKEY_KMS_KEY')).toMatch(/^projects\/.*\/cryptoKeys\/master-keys$/)
      const file = settingOf('LATCHKEY_WRAPPED_MASTER_KEYS_FILE')
      expect(secrets).toContain(`path: ${file.slice('/run/secrets/latchkey/'.length)}\n`)
    }
  })

  it('alert to what deploy/observability/alerts.yaml says, by the Prometheus operator as well', () => {
    const rule = find('base with gateway, prometheus and external-secrets', 'PrometheusRule/latchkey')
    expect(rule.spec).toEqual(parse(readFileSync(join(deploy, 'observability/alerts.yaml'), 'utf8')))
  })

  it('scale by processor, and by a metric of the servers where Prometheus is', () => {
    const metricsOf = (variant: string) =>
      find(variant, 'HorizontalPodAutoscaler/latchkey').spec.metrics.map((metric: { type: string }) => metric.type)
    expect(metricsOf('overlays/local')).toEqual(['Resource'])
    expect(metricsOf('base with gateway, prometheus and external-secrets')).toEqual(['Resource', 'Pods'])
  })
})
