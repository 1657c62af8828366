// A job that runs one command of the service: `job` for an order, started for each, or `sweep` on a
// schedule. What it is given, and why, is in `main.bicep`.

@description('The region.')
param location string

@description('What the job is called.')
param name string

@description('The environment that it runs in.')
param environmentId string

@description('The identity that it is: its resource, and the id by which it asks for tokens.')
param identity { id: string, clientId: string }

@description('The registry of the image, if pulling takes an identity.')
param registries { server: string, identity: string }[]

@description('The image.')
param image string

@description('The command of `wasm-shim`.')
@allowed([
  'job'
  'sweep'
])
param command string

@description('Says where the store is. It holds no secret.')
param runtimeConfig string

@description('What the worker knows the processor by. Empty: nothing is sent.')
@secure()
param workerToken string

@description('Variables of the app, as settings of its environment.')
param variables { name: string, value: string }[]

@description('When it runs, as a cron expression in UTC. Empty: when it is started.')
param schedule string = ''

@description('Who may start it: the object id of an identity. Empty: nobody who may not already.')
param starterId string = ''

@description('The longest that an execution may take.')
param executionSecondsMax int

@description('Cores of an execution, as a number in text.')
param cpu string

@description('Memory of an execution.')
param memory string

resource job 'Microsoft.App/jobs@2026-01-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      registries: registries
      secrets: workerToken == '' ? [] : [
        {
          name: 'worker-token'
          value: workerToken
        }
      ]
      triggerType: schedule == '' ? 'Manual' : 'Schedule'
      manualTriggerConfig: schedule == '' ? {
        parallelism: 1
        replicaCompletionCount: 1
      } : null
      scheduleTriggerConfig: schedule == '' ? null : {
        cronExpression: schedule
        parallelism: 1
        replicaCompletionCount: 1
      }
      replicaTimeout: executionSecondsMax
      // An order that failed is tried again by the service, which counts attempts and waits between them.
      replicaRetryLimit: 0
    }
    template: {
      containers: [
        {
          name: 'wasm-shim'
          image: image
          // For `job` the order is ORDER_ID, which whoever starts an execution adds to `env`.
          args: [
            command
            '--state-dir'
            '/state'
          ]
          // All of it is in the environment and nothing in a volume: an execution that is started with
          // containers of its own has no volumes, as its template has no such member.
          env: concat([
            {
              name: 'AZURE_CLIENT_ID'
              value: identity.clientId
            }
            {
              name: 'RUNTIME_CONFIG'
              value: runtimeConfig
            }
          ], workerToken == '' ? [] : [
            // By its name, which an execution that is started with containers of its own may use too.
            {
              name: 'SPIN_VARIABLE_WORKER_TOKEN'
              secretRef: 'worker-token'
            }
          ], variables)
          resources: {
            cpu: json(cpu)
            memory: memory
          }
        }
      ]
    }
  }
}

var groupId = resourceGroup().id

// What the service asks of Azure, and no more: it reads the job's template and starts it. The role that is built in for
// this, Container Apps Jobs Operator, may also stop executions and list the job's secrets.
resource starter 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (starterId != '') {
  name: guid(job.id, 'start')
  properties: {
    roleName: 'Start ${name} ${uniqueString(job.id)}'
    description: 'Reads the job and starts executions of it.'
    type: 'CustomRole'
    assignableScopes: [
      groupId
    ]
    permissions: [
      {
        actions: [
          'Microsoft.App/jobs/read'
          'Microsoft.App/jobs/start/action'
        ]
        notActions: []
      }
    ]
  }
}

// This job alone, and no other.
resource start 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (starterId != '') {
  scope: job
  name: guid(job.id, starterId, 'start')
  properties: {
    principalId: starterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: starter.id
  }
}
