"""The routes of principals, groups and keys."""

from django.urls import path

from liftos.kernel.tenancy.api import break_glass, groups, keys, principals

urlpatterns = [
    path("principals", principals.Principals.as_view()),
    path("principals/<str:principal>", principals.PrincipalDetail.as_view()),
    path("groups", groups.Groups.as_view()),
    path("groups/<str:group>", groups.GroupDetail.as_view()),
    path("groups/<str:group>/members", groups.Members.as_view()),
    path("groups/<str:group>/members/<str:principal>", groups.Member.as_view()),
    path("break_glass", break_glass.BreakGlasses.as_view()),
    path("break_glass/<id:glass>", break_glass.BreakGlassDetail.as_view()),
    path("keys", keys.Keys.as_view()),
    path("keys/<id:key>", keys.KeyDetail.as_view()),
    path("keys/<id:key>/rotate", keys.KeyRotation.as_view()),
]
