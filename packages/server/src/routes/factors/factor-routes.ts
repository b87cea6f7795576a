import type { OwnFactors } from '../../accounts/own-factors.js'
import type { App } from '../../http/app.js'
import { addGuards } from '../guards/add-guards.js'
import type { Guards } from '../guards/guards.js'
import { addBeginTotp } from './begin-totp.js'
import { addChangeFactor } from './change-factor.js'
import { addConfirmTotp } from './confirm-totp.js'
import { addCreateRecoveryCodes } from './create-recovery-codes.js'
import { addEndTrustedDevices } from './end-trusted-devices.js'
import { addListFactors } from './list-factors.js'

export interface FactorDependencies {
  readonly ownFactors: OwnFactors
  readonly guards: Guards
}

/** The routes by which users manage their factors and trusted devices. */
export async function factorRoutes(app: App, { ownFactors, guards }: FactorDependencies): Promise<void> {
  addGuards(app, guards.account)
  addListFactors(app, ownFactors)
  addBeginTotp(app, ownFactors)
  addConfirmTotp(app, ownFactors)
  addChangeFactor(app, ownFactors)
  addCreateRecoveryCodes(app, ownFactors)
  addEndTrustedDevices(app, ownFactors)
}
