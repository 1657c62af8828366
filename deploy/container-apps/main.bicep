// The service on Azure Container Apps, with its store in Azure Cosmos DB.
//
//   az deployment group create --resource-group orders --template-file deploy/container-apps/main.bicep \
//     --parameters image=IMAGE apiTokens="$API_TOKENS"
//
// What each choice means, and how to see it working, is in docs/deploy-container-apps.md.

targetScope = 'resourceGroup'

@description('The region of everything.')
param location string = resourceGroup().location

@description('What the resources are called, or begin with: lowercase letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param name string = 'orders'

@description('The image, of a release or as `Dockerfile` makes it, with its tag or digest.')
@minLength(1)
param image string

@description('The Azure Container Registry in this resource group that has the image. Empty if anybody may pull it.')
param registry string = ''

@description('Who may call: `owner:sha256` pairs, separated by commas. Everybody reaches the app, so there is no default.')
@secure()
@minLength(66)
param apiTokens string

@description('What the worker knows the processor by, with the variable `work` set to `http`. Empty: nothing is sent.')
@secure()
param workerToken string = ''

@description('Where orders are worked on: in the replicas that serve, or each in an execution of a job.')
@allowed([
  'in-process'
  'job'
])
param processing string = 'in-process'

@description('Variables of the app by their names, such as `{ "work": "http", "worker_url": "https://…" }`.')
param variables object = {}

@description('The fewest replicas. With `in-process` at least one runs always, as the end of the last would end its work.')
@minValue(0)
param replicasMin int = 1

@description('The most replicas.')
@minValue(1)
param replicasMax int = 10

@description('How long a replica that stops waits for its requests and attempts before it hands the attempts back.')
@minValue(0)
@maxValue(500)
param drainSeconds int = 20

@description('The longest that an execution of the job may take. It is killed then, and its order waits for its lease.')
@minValue(60)
param executionSecondsMax int = 1800

@description('When a sweep runs if no replica does, that is with `job` and `replicasMin` 0.')
param sweepSchedule string = '*/5 * * * *'

@description('Cores of each replica and execution, as a number in text: from 0.25 to 4, with twice as much memory in Gi.')
param cpu string = '0.5'

@description('Memory of each replica and execution.')
param memory string = '1Gi'

@description('What the store is paid by: each request (`serverless`), the most request units a second (`autoscale`), or that within the free tier, of which a subscription has one account (`free`).')
@allowed([
  'serverless'
  'autoscale'
  'free'
])
param storeCapacity string = 'serverless'

@description('The most request units a second that the store may use, unless it is `serverless`. The free tier has 1000.')
@minValue(1000)
param throughputMax int = 1000

@description('The subnet of a virtual network for the environment, by its resource id, delegated to Microsoft.App/environments. Empty: none of yours.')
param subnetId string = ''

@description('Whether nobody outside that virtual network reaches the service. It takes a `subnetId`.')
param isInternal bool = false

@description('A domain of yours for the service, whose DNS leads to it. Empty: the one that Azure gives.')
param domain string = ''

@description('The certificate of that domain in the environment, by its resource id.')
param certificateId string = ''

@description('Whether the store outlives the loss of a zone.')
param zoneRedundant bool = false

var jobName = '${name}-job'
var isJob = processing == 'job'
var isPrivateImage = registry != ''

// What the app is. It reads and writes orders, starts the job if there is one, and pulls a private image.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-identity'
  location: location
}

// What the jobs are, which run the work: it may not start jobs.
resource jobIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (isJob) {
  name: '${name}-job-identity'
  location: location
}

var appPrincipal = identity.properties.principalId
var jobPrincipal = isJob ? jobIdentity!.properties.principalId : ''
var principals = isJob ? [
  appPrincipal
  jobPrincipal
] : [
  appPrincipal
]

// A module, because an `existing` resource must have a name even where a condition leaves it out.
module pull 'pull.bicep' = if (isPrivateImage) {
  name: '${name}-pull'
  params: {
    registryName: registry
    principalIds: principals
  }
}

module store 'store.bicep' = {
  name: '${name}-store'
  params: {
    location: location
    accountName: '${name}-${uniqueString(resourceGroup().id)}'
    principalIds: principals
    capacity: storeCapacity
    throughputMax: throughputMax
    zoneRedundant: zoneRedundant
  }
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: {
    retentionInDays: 30
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource environment 'Microsoft.App/managedEnvironments@2026-01-01' = {
  name: '${name}-environment'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    vnetConfiguration: subnetId == '' ? null : {
      infrastructureSubnetId: subnetId
      internal: isInternal
    }
  }
}

// The runtime configuration. Without a `key` the host takes the identity that AZURE_CLIENT_ID names. The
// ingress is inside the environment, and names the client: no client has an address of these networks.
var storeConfig = format('''
[proxy]
trusted = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]

[key_value_store.default]
type = "azure_cosmos"
account = "{0}"
database = "{1}"
container = "{2}"
''', store.outputs.account, store.outputs.database, store.outputs.container)

var inProcessConfig = format('''
[processor]
type = "in-process"
drain_seconds = {0}
''', drainSeconds)

var jobConfig = format('''
[processor]
type = "container-apps-job"
subscription = "{0}"
resource_group = "{1}"
job = "{2}"
client_id = "{3}"
''', subscription().subscriptionId, resourceGroup().name, jobName, identity.properties.clientId)

var settings = [for variable in items(variables): {
  name: 'SPIN_VARIABLE_${toUpper(variable.key)}'
  value: string(variable.value)
}]

var registries = isPrivateImage ? [
  {
    server: pull!.outputs.server
    identity: identity.id
  }
] : []

var registriesOfJob = isPrivateImage && isJob ? [
  {
    server: pull!.outputs.server
    identity: jobIdentity.id
  }
] : []

module app 'app.bicep' = {
  name: '${name}-app'
  params: {
    location: location
    name: name
    environmentId: environment.id
    identity: { id: identity.id, clientId: identity.properties.clientId }
    registries: registries
    image: image
    runtimeConfig: '${storeConfig}${isJob ? jobConfig : inProcessConfig}'
    apiTokens: apiTokens
    workerToken: workerToken
    variables: settings
    isProcessor: !isJob
    cpu: cpu
    memory: memory
    domain: domain
    certificateId: certificateId
    replicasMin: isJob ? replicasMin : max(replicasMin, 1)
    replicasMax: replicasMax
    drainSeconds: drainSeconds
  }
}

module job 'job.bicep' = if (isJob) {
  name: '${name}-job'
  params: {
    location: location
    name: jobName
    environmentId: environment.id
    identity: { id: jobIdentity.id, clientId: jobIdentity!.properties.clientId }
    registries: registriesOfJob
    image: image
    command: 'job'
    runtimeConfig: storeConfig
    variables: settings
    workerToken: workerToken
    cpu: cpu
    memory: memory
    starterId: appPrincipal
    executionSecondsMax: executionSecondsMax
  }
}

// Without replicas nobody probes, so an order whose start or execution was lost would wait for the next
// request. This finds it. It starts no job, but makes the attempts in its own process.
module sweep 'job.bicep' = if (isJob && replicasMin == 0) {
  name: '${name}-sweep'
  params: {
    location: location
    name: '${name}-sweep'
    environmentId: environment.id
    identity: { id: jobIdentity.id, clientId: jobIdentity!.properties.clientId }
    registries: registriesOfJob
    image: image
    command: 'sweep'
    runtimeConfig: storeConfig
    variables: settings
    workerToken: workerToken
    cpu: cpu
    memory: memory
    schedule: sweepSchedule
    executionSecondsMax: executionSecondsMax
  }
}

@description('Where the service is.')
output url string = app.outputs.url

@description('The account that holds the orders.')
output account string = store.outputs.account

@description('The job that works on them; empty if the replicas do.')
output job string = isJob ? jobName : ''
