from django.urls import path

from spaces.api import asking, concepts, spaces

urlpatterns = [
    path("spaces", spaces.SpaceCollection.as_view()),
    path("spaces/templates", spaces.Templates.as_view()),
    path("spaces/<id:space>", spaces.SpaceDetail.as_view()),
    path("spaces/<id:space>/versions", spaces.SpaceVersions.as_view()),
    path("spaces/<id:space>/dimensions", spaces.SpaceDimensions.as_view()),
    path("spaces/<id:space>/members", spaces.Members.as_view()),
    path("spaces/<id:space>/members/<id:memory>", spaces.MemberDetail.as_view()),
    path("spaces/<id:space>/positions", asking.Positions.as_view()),
    path("spaces/<id:space>/neighbours", asking.Neighbours.as_view()),
    path("spaces/<id:space>/explain", asking.Explain.as_view()),
    path("spaces/<id:space>/compare", asking.Compare.as_view()),
    path("spaces/<id:space>/clusters", asking.Clusters.as_view()),
    path("spaces/<id:space>/report", asking.DimensionReport.as_view()),
    path("spaces/<id:space>/concepts", concepts.Concepts.as_view()),
    path("spaces/<id:space>/concepts/<id:concept>", concepts.ConceptDetail.as_view()),
    path("spaces/<id:space>/relations", concepts.Relations.as_view()),
    path("spaces/<id:space>/relations/<id:relation>", concepts.RelationDetail.as_view()),
]
