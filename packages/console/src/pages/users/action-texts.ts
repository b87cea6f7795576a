/** The actions that the API carries out on one account or on many. */
export type UserAction = 'rotate' | 'revoke' | 'verify' | 'disable' | 'enable'

interface ActionText {
  readonly label: string
  readonly effect: string
  readonly isDangerous: boolean
}

/** The label and the effect of each action. */
export const actionTexts: Readonly<Record<UserAction, ActionText>> = {
  revoke: {
    label: 'Revoke',
    effect: 'Every session and every token ends now, in every process. The owner can sign in again.',
    isDangerous: true,
  },
  rotate: {
    label: 'Rotate',
    effect: 'A new secret signs. The old one verifies until its grace period ends. No session ends.',
    isDangerous: false,
  },
  verify: {
    label: 'Verify',
    effect: 'The address counts as verified, as if its owner had followed the mailed link.',
    isDangerous: false,
  },
  disable: {
    label: 'Disable',
    effect: 'Every session and every token ends now, and sign-in is refused until the account is enabled.',
    isDangerous: true,
  },
  enable: {
    label: 'Enable',
    effect: 'Sign-in is possible again. Sessions and tokens that have ended stay ended.',
    isDangerous: false,
  },
}

/** The actions in the order of their buttons. */
export const userActions = Object.keys(actionTexts) as readonly UserAction[]
