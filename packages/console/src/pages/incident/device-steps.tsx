import { consolePath } from '../../base.js'
import { AccountSteps } from './account-steps.js'
import { Step } from './step.js'

/** The guide "A device was lost". */
export function DeviceSteps() {
  return (
    <AccountSteps>
      {(account) => (
        <>
          <Step title="2. Remove the factors on the device">
            <p>
              A passkey or an authenticator app on the device still counts as a factor. The owner removes it in{' '}
              <em>Your account</em>. If the owner has no other factor left, remove all of them:{' '}
              {account === undefined ? (
                <a href={`${consolePath}/users`}>users</a>
              ) : (
                <a href={`${consolePath}/users/${account.id}`}>{account.email}</a>
              )}
              .
            </p>
          </Step>
          <Step title="3. Secure the account">
            <p>
              If the password was stored on the device, the owner must choose a new one. Only one session has to end?
              The page of the user lists them with their devices.
            </p>
          </Step>
        </>
      )}
    </AccountSteps>
  )
}
