import { type Manifest, nameOf, podTemplateOf } from './kubernetes-manifests.js'

/**
 * Returns the violations of the policy for pods in production, as sentences; empty for a manifest
 * that creates no pods.
 */
export function podProblems(manifest: Manifest): readonly string[] {
  const pod = podTemplateOf(manifest)?.spec
  if (pod === undefined) return []
  const containers: readonly Container[] = [...(pod.initContainers ?? []), ...pod.containers]
  const problems = [
    ...podWideProblems(pod),
    ...containers.flatMap((container) =>
      [
        ...containerProblems(container),
        ...(manifest.kind === 'Job' || manifest.kind === 'CronJob' ? [] : probeProblems(container)),
      ].map((problem) => `${container.name} ${problem}`),
    ),
  ]
  return problems.map((problem) => `${nameOf(manifest)}: ${problem}`)
}

interface Container {
  readonly name: string
  readonly image: string
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly resources?: {
    readonly requests?: Readonly<Record<string, unknown>>
    readonly limits?: Readonly<Record<string, unknown>>
  }
  readonly securityContext?: {
    readonly privileged?: boolean
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] }
  }
  readonly startupProbe?: object
  readonly readinessProbe?: object
  readonly livenessProbe?: object
  readonly restartPolicy?: string
}

function podWideProblems(pod: {
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly seccompProfile?: { readonly type?: string } }
  readonly automountServiceAccountToken?: boolean
  readonly hostNetwork?: boolean
  readonly hostPID?: boolean
  readonly hostIPC?: boolean
  readonly volumes?: readonly { readonly hostPath?: object }[]
}): readonly string[] {
  return violationsOf([
    [pod.securityContext?.runAsNonRoot !== true, 'may run as root'],
    [pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault', 'has no seccomp profile'],
    [pod.automountServiceAccountToken !== false, 'mounts a token of the cluster'],
    [pod.hostNetwork === true || pod.hostPID === true || pod.hostIPC === true, 'shares the network of the node'],
    [(pod.volumes ?? []).some(({ hostPath }) => hostPath !== undefined), 'mounts a path of the node'],
  ])
}

function containerProblems({ image, resources, securityContext, env = [] }: Container): readonly string[] {
  const { requests, limits } = resources ?? {}
  const { capabilities } = securityContext ?? {}
  return violationsOf([
    [!/:[\w.-]*\d[\w.-]*$/.test(image), `has an image that is not pinned: ${image}`],
    [requests?.cpu === undefined || requests.memory === undefined, 'requests no processor or memory'],
    [limits?.cpu === undefined || limits.memory === undefined, 'has no limits'],
    [securityContext?.privileged === true, 'is privileged'],
    [securityContext?.allowPrivilegeEscalation !== false, 'may gain privileges'],
    [securityContext?.readOnlyRootFilesystem !== true, 'can write to its root file system'],
    [capabilities?.drop?.includes('ALL') !== true || capabilities.add !== undefined, 'keeps capabilities'],
    [env.some(({ name }) => /(PASSWORD|TOKEN|URL|(?<!KMS_)KEYS?)$/.test(name)), 'has a secret in its environment'],
  ])
}

function probeProblems({ startupProbe, readinessProbe, livenessProbe, restartPolicy }: Container): readonly string[] {
  // A sidecar is ready when it has started.
  const isSidecar = restartPolicy === 'Always'
  return violationsOf([
    [startupProbe === undefined, 'has no startup probe'],
    [readinessProbe === undefined && !isSidecar, 'has no readiness probe'],
    [livenessProbe === undefined, 'has no liveness probe'],
  ])
}

function violationsOf(checks: readonly (readonly [boolean, string])[]): readonly string[] {
  return checks.filter(([holds]) => holds).map(([, problem]) => problem)
}
