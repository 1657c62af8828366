// What `azd up` deploys, as `azure.yaml` says: a resource group, and in it what `main.bicep` describes. The values come
// from the environment of azd, by `azd.parameters.json`.

targetScope = 'subscription'

@description('The name of the environment of azd.')
param environmentName string

@description('The region of everything.')
param location string

@description('The image, with its tag or digest.')
@minLength(1)
param image string

@description('Who may call: `owner:sha256` pairs, separated by commas.')
@secure()
@minLength(66)
param apiTokens string

@description('Where orders are worked on: `in-process`, or `job`.')
param processing string = 'in-process'

@description('What the store is paid by: `serverless`, `autoscale`, or `free`.')
param storeCapacity string = 'serverless'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: {
    'azd-env-name': environmentName
  }
}

module service 'main.bicep' = {
  name: 'main'
  scope: group
  params: {
    location: location
    image: image
    apiTokens: apiTokens
    processing: processing
    storeCapacity: storeCapacity
  }
}

@description('Where the service is.')
output SERVICE_URL string = service.outputs.url
