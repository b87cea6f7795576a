import { signal } from '@preact/signals'

/** The request to authenticate again that the dialog shows; `undefined`: none. */
export interface StepUpRequest {
  readonly methods: readonly string[]
  /** Ends the dialog: whether the administrator has authenticated. */
  readonly settle: (done: boolean) => void
}

/** The dialog of `ui/step-up-dialog.tsx` shows this. */
export const stepUpRequest = signal<StepUpRequest | undefined>(undefined)

let asking: Promise<boolean> | undefined

/**
 * Asks the administrator to authenticate again (RFC 9470). Requests at the same time share one
 * dialog.
 *
 * @returns `false` if the administrator has cancelled it
 */
export function askToStepUp(methods: readonly string[]): Promise<boolean> {
  asking ??= new Promise<boolean>((resolve) => {
    stepUpRequest.value = { methods, settle: resolve }
  }).finally(() => {
    asking = undefined
    stepUpRequest.value = undefined
  })
  return asking
}
